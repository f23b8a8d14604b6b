/*
 * Takeover, reconciliation, checkpoint and commit of one job with one region of two tasks: see docs/model.md. A line that ends in
 * a comment such as I4 or R3 holds the assertion of it; check.ts reads it from there.
 */
#ifndef IDS
#define IDS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef GIVEUPS
#define GIVEUPS 1
#endif
#ifndef BREAKS
#define BREAKS 1
#endif
#define GRANTS 3

#define BOTH 3
#define bit(n) (1 << (n))
#define upTo(n) (bit((n) + 1) - 1)
/* Task t on TaskManager m; slice s of task t. */
#define on(m, t) ((m) * 2 + (t))
#define in(t, s) ((t) * (IDS + 1) + (s))

#ifdef REACH
#define reached(what) if :: REACH == what -> assert(false) :: else fi
#else
#define reached(what) skip
#endif
#define UNDECIDED 1
#define REFUSED 2
#define RESTARTED 3
#define ADOPTED 4
#define OLD_ACK 5
#define STRAY 6
#define LANDED 7
#define LATER 8
#define ZOMBIE 9
#define COMPLETE 10
#define DEPOSED 11

mtype = { deploy, trigger, completed, aborted, cancel, takenOver };

/* The store. Terms of leading are numbered by their epoch. `pointer`: the newest completed checkpoint. */
byte epoch = 1;
byte counter;
byte pointer;
/* The job's record: its generation, and which TaskManager runs each task. */
byte generation;
byte home[2];
/* On its way to the store, by term: a pointer (0: none), the generations that its checkpoint counted; and the answer. */
byte wire[GRANTS + 1];
byte counted[GRANTS + 1];
byte answer[GRANTS + 1];
#define WRITTEN 1
#define LEADERSHIP_LOST 2

/* Of each TaskManager: the epoch that it follows (0: none); whether it has registered with that leader anew. */
byte seen[2] = 1;
bool again[2];
/* Of each attempt: its generation (0: none), the last slice that it prepared or restored, the last that it committed or restored, the
   highest id of which it takes no trigger any more. */
byte runs[4];
byte position[4];
byte done[4];
byte barred[4];
/* To each TaskManager: kind, epoch, generation, checkpoint, tasks. From it: task, generation, checkpoint that it acknowledges. */
chan toTask[2] = [8] of { mtype, byte, byte, byte, byte };
chan toLeader[2] = [4] of { byte, byte, byte };

/* The log outside, by task and slice: the generations that have prepared the slice. By task: the slices that are committed. */
byte prepared[2 * (IDS + 1)];
byte committed[2];

/* For assertions. By slice: the generation whose checkpoint, completed, was the first to cover it. */
byte owner[IDS + 1];
/* Ids of all checkpoints that were ever complete; the newest that was triggered; whether both tasks of the recorded generation have run. */
byte wasComplete;
byte triggered;
bool whole;

byte deaths;
byte giveUps;
byte breaks;
/* TaskManagers that a leader gave up without having heard of them; terms that are over. */
byte givenUp;
byte over;

/* Used inside one step only. */
hidden mtype kind;
hidden byte e, g, k, s, i, tasks;

#define drain(m) do :: toTask[m]?_, _, _, _, _ :: empty(toTask[m]) -> break od
#define drainUp(m) do :: toLeader[m]?_, _, _ :: empty(toLeader[m]) -> break od

/* In the name of what generation g prepares. */
#ifdef SAME_NAMES
#define name(g) 1
#else
#define name(g) bit(g)
#endif

/* An attempt commits what it has prepared itself for ids up to k. */
inline commitUpTo(m, t) {
  do
  :: done[on(m, t)] < k && done[on(m, t)] < position[on(m, t)] ->
    s = done[on(m, t)] + 1;
    assert(pointer >= s); /* I4 */
    assert(owner[s] == runs[on(m, t)]); /* I10 */
    assert(prepared[in(t, s)] & name(runs[on(m, t)])); /* I6 */
    printf("task %d: commits slice %d of generation %d\n", t, s, runs[on(m, t)]);
    committed[t] = committed[t] | bit(s);
    done[on(m, t)] = s
  :: else -> break
  od
}

/* It starts from checkpoint k: commits all that k lists, then aborts what else earlier generations prepared. */
inline restore(m, t) {
  assert(runs[on(m, t)] == 0); /* R1 */
  assert(runs[on(1 - m, t)] == 0 || (givenUp & bit(1 - m)) || (g != generation && (givenUp & bit(m)))); /* R1 */
  assert(g != generation || k >= pointer); /* I11 */
  if
  :: g != generation -> reached(ZOMBIE)
  :: else
  fi;
  s = 1;
  do
  :: s <= IDS ->
    if
    :: s <= k && !(committed[t] & bit(s)) ->
      assert(prepared[in(t, s)] & name(owner[s])); /* I6 */
      committed[t] = committed[t] | bit(s)
    :: s > k ->
#ifdef ABORT_ALL
      prepared[in(t, s)] = 0
#else
      prepared[in(t, s)] = prepared[in(t, s)] & ~(bit(g) - 1)
#endif
    :: else
    fi;
    s++
  :: else -> break
  od;
  runs[on(m, t)] = g;
  position[on(m, t)] = k;
  done[on(m, t)] = k;
  barred[on(m, t)] = k;
  if
  :: runs[on(home[0], 0)] == generation && runs[on(home[1], 1)] == generation -> whole = true
  :: else
  fi
}

inline snapshot(m, t) {
  do
  :: position[on(m, t)] < k ->
    position[on(m, t)]++;
    s = position[on(m, t)];
    assert(!(prepared[in(t, s)] & name(runs[on(m, t)]))); /* R3 */
    prepared[in(t, s)] = prepared[in(t, s)] | name(runs[on(m, t)]);
    if
    :: s < k -> reached(LATER)
    :: else
    fi
  :: else -> break
  od;
  barred[on(m, t)] = k;
#ifdef COMMIT_EARLY
  commitUpTo(m, t);
#endif
  assert(nfull(toLeader[m]));
  toLeader[m]!t, runs[on(m, t)], k
}

inline clear(a) { runs[a] = 0; position[a] = 0; done[a] = 0; barred[a] = 0 }

#ifdef MIXED_GENERATIONS
#define isFor(attempt) true
#else
#define isFor(attempt) (attempt == g)
#endif

inline obey(m, t) {
  if
  :: kind == deploy && (tasks & bit(t)) -> restore(m, t)
  :: kind != deploy && runs[on(m, t)] != 0 && isFor(runs[on(m, t)]) ->
    if
    :: kind == trigger && k > barred[on(m, t)] -> snapshot(m, t)
    :: kind == completed -> commitUpTo(m, t)
    :: kind == aborted ->
#ifdef ABORT_ROLLS_BACK
      prepared[in(t, k)] = prepared[in(t, k)] & ~name(runs[on(m, t)]);
#endif
      if :: k > barred[on(m, t)] -> barred[on(m, t)] = k :: else fi
    :: kind == takenOver ->
      /* `tasks` is the floor (R10). */
      commitUpTo(m, t);
      if :: tasks > barred[on(m, t)] -> barred[on(m, t)] = tasks :: else fi
    :: kind == cancel ->
      assert(!whole || g != generation || deaths + giveUps + breaks > 0); /* I9 */
      clear(on(m, t))
    :: else
    fi
  :: else
  fi
}

/* Both TaskManagers are alike: the first to die is always the same, else the first to be given up. */
#define mayDie(m) (deaths > 0 || m == 1)
#define mayBeGivenUp(m) (DEATHS > 0 || giveUps > 0 || m == 1)

proctype TaskManager(byte m) {
end:
  do
  :: atomic {
      toTask[m]?kind, e, g, k, tasks ->
      printf("TaskManager %d: takes %e of leader %d, generation %d, checkpoint %d\n", m, kind, e, g, k);
      assert(e >= seen[m]); /* I2 */
      obey(m, 0);
      obey(m, 1)
    }
  :: atomic {
      /* It turns to a later leader, not always the latest (R15). What is on its way between it and the one before gets lost;
         acknowledgements that are still being written then go to the new one. */
      seen[m] < epoch ->
      s = seen[m] + 1;
      do
      :: s < epoch -> s++
      :: !(over & bit(s)) -> break
      od;
      seen[m] = s;
      printf("TaskManager %d: turns to leader %d\n", m, s);
      again[m] = false;
#ifndef NO_FENCING
      drain(m);
#endif
      if
      :: drainUp(m)
      :: nempty(toLeader[m])
      fi
    }
  :: atomic {
      /* The connection breaks; it registers anew with the same leader. */
      breaks < BREAKS && seen[m] != 0 && !again[m] && (nempty(toTask[m]) || nempty(toLeader[m])) ->
      breaks++;
      printf("TaskManager %d: loses its connection\n", m);
      again[m] = true;
      drain(m);
      drainUp(m)
    }
  :: atomic {
      /* It dies and comes back empty. */
      deaths < DEATHS && mayDie(m) && (runs[on(m, 0)] != 0 || runs[on(m, 1)] != 0) ->
      deaths++;
      printf("TaskManager %d: dies\n", m);
      clear(on(m, 0));
      clear(on(m, 1));
      seen[m] = 0;
      again[m] = false;
      drain(m);
      drainUp(m)
    }
  od
}

/* The write of a pointer arrives, or is lost (I1). The answer is lost where its leader does not wait for it (R2). */
inline arrives(n) {
  atomic {
    wire[n] != 0 ->
    if
    :: epoch == n ->
      printf("store: pointer %d of leader %d is written\n", wire[n], n);
      assert(counted[n] == bit(generation)); /* I10 */
      s = pointer + 1;
      do
      :: s <= wire[n] -> owner[s] = generation; s++
      :: else -> break
      od;
      pointer = wire[n];
      wasComplete = wasComplete | bit(pointer);
      reached(COMPLETE);
      answer[n] = WRITTEN
    :: epoch != n ->
      printf("store: pointer %d of leader %d is refused\n", wire[n], n);
      reached(REFUSED);
      answer[n] = LEADERSHIP_LOST
    :: true -> printf("store: pointer %d of leader %d is lost on its way\n", wire[n], n)
    fi;
    wire[n] = 0;
    counted[n] = 0
  }
}

proctype Store() {
end:
  do
  :: arrives(1)
  :: arrives(2)
  :: arrives(3)
  od
}

#define RECONCILING 0
#define ENDING 1
#define RUNNING 2

#define leads (epoch == me)
#ifdef NO_FENCING
#define follows(m) (seen[m] >= me)
#else
#define follows(m) (seen[m] == me)
#endif
/* Nobody listens to a deposed leader that nobody follows: what it does then is left out. */
#define matters (leads || follows(0) || follows(1))
#define homes (bit(place[0]) | bit(place[1]))
#define isUsable(m) ((heard & bit(m)) && seen[m] == me && !again[m])
#ifdef MIXED_GENERATIONS
#define isMine(attempt) (attempt != 0)
#define hasEnded(m) true
#else
#define isMine(attempt) (attempt == mine)
#define hasEnded(m) (runs[on(m, 0)] == 0 && runs[on(m, 1)] == 0)
#endif
#define isRunning(t) (follows(place[t]) && !again[place[t]] && isMine(runs[on(place[t], t)]))
/* Its TaskManager is dead, or says that it does not run it: what was sent has arrived or is lost. */
#define isGone(t) (seen[place[t]] == 0 || (isUsable(place[t]) && !isMine(runs[on(place[t], t)]) && empty(toTask[place[t]])))
/* Nothing runs there, as far as this leader has heard of it. */
#define isQuiet(m) (!(heard & bit(m)) || seen[m] == 0 || (isUsable(m) && empty(toTask[m]) && hasEnded(m)))

/* Else a message changes nothing there, and is left out. */
#define mayRun(m) (nempty(toTask[m]) || isMine(runs[on(m, 0)]) || isMine(runs[on(m, 1)]))

inline send(m, what, which, about) {
  if
  :: follows(m) && !again[m] && (heard & bit(m)) && (homes & bit(m)) && (what == deploy || mayRun(m)) ->
    assert(nfull(toTask[m]));
    toTask[m]!what, me, mine, which, about
  :: else
  fi
}

inline endUnwanted(m, t) {
  if
  :: runs[on(m, t)] != 0 && !(intact && runs[on(m, t)] == mine && place[t] == m) ->
    reached(STRAY);
    assert(nfull(toTask[m]));
    toTask[m]!cancel, me, runs[on(m, t)], 0, 0
  :: else
  fi
}

inline giveUpPending() {
  printf("leader %d: gives up checkpoint %d\n", me, pending);
  assert(!(wasComplete & bit(pending))); /* I3 */
  send(0, aborted, pending, 0);
  send(1, aborted, pending, 0);
  pending = 0;
  acks = 0;
  gens = 0
}

/* A TaskManager has registered, for the first time or again (R15). */
inline hear(m) {
  atomic {
    follows(m) && (again[m] || !(heard & bit(m))) ->
    again[m] = false;
    if
    :: phase == RECONCILING && place[0] == m && runs[on(m, 0)] != mine -> intact = false
    :: else
    fi;
    if
    :: phase == RECONCILING && place[1] == m && runs[on(m, 1)] != mine -> intact = false
    :: else
    fi;
    heard = heard | bit(m);
    printf("leader %d: hears that TaskManager %d runs generations %d and %d\n", me, m, runs[on(m, 0)], runs[on(m, 1)]);
    endUnwanted(m, 0);
    endUnwanted(m, 1);
    if
    :: phase == RUNNING ->
      if
      :: pending != 0 && ((place[0] == m && !(acks & 1)) || (place[1] == m && !(acks & 2))) -> giveUpPending()
      :: else
      fi;
      /* The floor would end a checkpoint that is being completed too. */
      if :: pending == 0 -> s = highest :: else -> s = 0 fi;
      send(m, takenOver, newest, s)
    :: else
    fi
  }
}

#ifdef MIXED_GENERATIONS
#define toStart(t) (runs[on(place[t], t)] == 0)
#else
#define toStart(t) true
#endif

#if defined(OLD_ACKS) || defined(MIXED_GENERATIONS)
#define counts true
#else
#define counts (g == mine)
#endif
/* R1: it counts only of the generation that was triggered. */
inline acknowledge(m) {
  atomic {
    follows(m) && !again[m] && (heard & bit(m)) && nempty(toLeader[m]) ->
    toLeader[m]?i, g, k;
    if
    :: pending != 0 && k == pending && place[i] == m && counts ->
      printf("leader %d: counts the acknowledgement of %d by task %d of generation %d\n", me, k, i, g);
      acks = acks | bit(i);
      gens = gens | bit(g)
    :: else ->
      if
      :: g != mine && pending != 0 -> reached(OLD_ACK)
      :: else
      fi
    fi
  }
}

inline readStore() {
  mine = generation;
  newest = pointer;
  highest = counter;
  place[0] = home[0];
  place[1] = home[1];
  intact = (mine != 0);
  printf("leader %d: reads checkpoint %d, generation %d, id %d\n", me, newest, mine, highest)
}

proctype JobManager(byte me) {
  byte mine, newest, highest, pending, acks, gens, heard, phase;
  byte place[2];
  bool intact;

  if
  :: me == 1 -> atomic { heard = BOTH; goto restart }
  :: else
  fi;
end:
#ifdef READ_FIRST
  atomic { epoch < me -> readStore() }
endRead:
  atomic { epoch == me - 1 -> epoch = me; printf("leader %d: is granted leadership\n", me) }
#else
  atomic { epoch == me - 1 -> epoch = me; printf("leader %d: is granted leadership\n", me) }
  /* R14: first the grant, then what the store says. */
  atomic { true -> readStore() }
#endif
#ifdef RESTART_ALL
  intact = false;
#endif

  do
  :: hear(0)
  :: hear(1)
  :: atomic {
      intact && (heard & homes) == homes ->
      /* Whatever its predecessor triggered is given up (R10). */
      phase = RUNNING;
      printf("leader %d: takes generation %d over as it is\n", me, mine);
      send(0, takenOver, newest, highest);
      send(1, takenOver, newest, highest);
      if :: mine == generation && me > 1 -> reached(ADOPTED) :: else fi;
      goto running
    }
  :: !intact && heard == BOTH -> goto restart
  :: atomic {
      mine != 0 && leads && giveUps < GIVEUPS && (heard == 1 || heard == 2) && (homes & ~heard) && mayBeGivenUp((heard == 1 -> 1 : 0)) ->
      giveUps++;
      printf("leader %d: gives up TaskManager %d, of which it heard nothing\n", me, (heard == 1 -> 1 : 0));
      givenUp = givenUp | (BOTH & ~heard);
      goto restart
    }
  :: !leads -> goto ended
  od;

restart:
  atomic {
    phase = ENDING;
    printf("leader %d: restarts the region\n", me);
#ifndef OLD_ACKS
    pending = 0;
    acks = 0;
    gens = 0;
#endif
    intact = false;
#ifndef MIXED_GENERATIONS
    if
    :: mine != 0 -> send(0, cancel, 0, 0); send(1, cancel, 0, 0)
    :: else
    fi
#endif
  }
  /* R1: whatever runs ends first, and is then recorded (I5). */
  do
  :: hear(0)
  :: hear(1)
  :: atomic {
      leads && isQuiet(0) && isQuiet(1) && (isUsable(0) || (givenUp & 1)) && (isUsable(1) || (givenUp & 2)) && (isUsable(0) || isUsable(1)) ->
      if :: isUsable(0) -> givenUp = givenUp & ~1 :: else fi;
      if :: isUsable(1) -> givenUp = givenUp & ~2 :: else fi;
      place[0] = (isUsable(0) -> 0 : 1);
      place[1] = (isUsable(1) -> 1 : 0);
      home[0] = place[0];
      home[1] = place[1];
      generation++;
      assert(generation < 8);
      whole = false;
      mine = generation;
      printf("leader %d: records generation %d, starts it from checkpoint %d\n", me, mine, newest);
      if :: me > 1 && generation > 1 -> reached(RESTARTED) :: else fi;
      phase = RUNNING;
      intact = true;
      send(0, deploy, newest, (place[0] == 0 && toStart(0)) + 2 * (place[1] == 0 && toStart(1)));
      send(1, deploy, newest, (place[0] == 1 && toStart(0)) + 2 * (place[1] == 1 && toStart(1)));
      break
    }
  :: !leads -> goto ended
  od;

running:
endRunning:
  do
  :: hear(0)
  :: hear(1)
  :: atomic {
#ifdef ID_LATE
      pending == 0 && highest < IDS && isRunning(0) && isRunning(1) ->
      highest++;
#else
      leads && pending == 0 && counter < IDS && isRunning(0) && isRunning(1) ->
      /* R10: it is in the store first. */
      counter++;
      highest = counter;
#endif
      pending = highest;
      assert(pending > triggered); /* I5 */
      triggered = pending;
      printf("leader %d: triggers checkpoint %d\n", me, pending);
      send(0, trigger, pending, 0);
      send(1, trigger, pending, 0)
    }
#ifdef ID_LATE
  :: atomic { leads && counter < highest -> counter = highest }
#endif
  :: acknowledge(0)
  :: acknowledge(1)
  :: pending != 0 && acks == BOTH -> goto pointing
  :: atomic { pending != 0 && acks != BOTH && matters -> giveUpPending() }
  :: (isGone(0) || isGone(1)) && matters -> goto restart
  :: !leads -> goto ended
  od;

pointing:
  /* R2: from here on it is undecided. No region chooses what to restore. */
  atomic { wire[me] = pending; counted[me] = gens; printf("leader %d: sends the pointer of checkpoint %d\n", me, pending) }
  if
  :: atomic { answer[me] == WRITTEN -> answer[me] = 0; goto complete }
  :: answer[me] == LEADERSHIP_LOST -> goto ended
  :: atomic { true -> printf("leader %d: gets no answer, checkpoint %d is undecided\n", me, pending); reached(UNDECIDED) }
  fi;
#ifdef LOST_REFUSED
  atomic { giveUpPending(); goto running }
#endif
#ifdef LOST_ACCEPTED
  goto complete;
#endif
  if
#ifdef RESTORE_UNDECIDED
  :: isGone(0) || isGone(1) -> goto restart
#endif
  /* Nothing of it is on its way any more: now a read decides, but who does not lead touches nothing. */
  :: atomic { wire[me] == 0 && pointer == pending -> answer[me] = 0; reached(LANDED); goto complete }
#ifdef DEPOSED_SETTLES
  :: atomic { wire[me] == 0 && pointer != pending -> answer[me] = 0; giveUpPending(); goto running }
#else
  :: atomic { wire[me] == 0 && pointer != pending && leads -> answer[me] = 0; giveUpPending(); goto running }
#endif
  :: atomic { wire[me] == 0 && !leads -> reached(DEPOSED); goto ended }
  fi;

complete:
  atomic {
    printf("leader %d: checkpoint %d is complete\n", me, pending);
    newest = pending;
    pending = 0;
    acks = 0;
    gens = 0;
    send(0, completed, newest, 0);
    send(1, completed, newest, 0);
    goto running
  }

ended:
  atomic {
    over = over | bit(me);
    answer[me] = 0;
    mine = 0; newest = 0; highest = 0; pending = 0; acks = 0; gens = 0; heard = 0; phase = 0; intact = false; place[0] = 0; place[1] = 0
  }
}

#define allCommitted(t) (committed[t] == upTo(pointer) - 1)
#ifndef NO_REST
/* Nothing can move any more, whatever the faults were. */
proctype Rest() {
end:
  atomic {
    timeout ->
    assert(epoch == GRANTS && counter == IDS); /* I8 */
    assert(runs[on(home[0], 0)] == generation && runs[on(home[1], 1)] == generation); /* I8 */
    assert(runs[on(1 - home[0], 0)] == 0 && runs[on(1 - home[1], 1)] == 0); /* I13 */
    assert(allCommitted(0) && allCommitted(1)) /* I6 */
  }
}
#endif

init {
  atomic {
    run TaskManager(0);
    run TaskManager(1);
    run Store();
    run JobManager(1);
    run JobManager(2);
#ifndef NO_REST
    run Rest();
#endif
    run JobManager(3)
  }
}
