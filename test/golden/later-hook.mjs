// Loaded into each thread of a process under test: its wall clock is ahead by MILLRACE_AHEAD milliseconds.
const aheadMs = Number(process.env.MILLRACE_AHEAD);
const { now } = Date;
Date.now = () => now() + aheadMs;
