#!/usr/bin/env python3
"""Reads a Millrace checkpoint or savepoint with nothing but docs/formats/{checkpoint,state,values}.md.

reader.py PATH                lists operators, states and sizes
reader.py PATH --keys         and every key with its value
reader.py PATH --json         all of that as JSON
"""
import json
import pathlib
import struct
import sys
import zlib

KINDS = {1: 'value', 2: 'list', 3: 'map', 4: 'reducing', 5: 'aggregating', 6: 'table', 7: 'mapTable', 8: 'timers'}
WITH_SECOND_NAME = ('map', 'mapTable', 'timers')
BINARY = ('Buffer ArrayBuffer DataView Uint8Array Uint8ClampedArray Int8Array Uint16Array Int16Array Uint32Array '
          'Int32Array BigUint64Array BigInt64Array Float32Array Float64Array').split()
ERROR = ('$error', 'message', 'stack', 'cause', 'fields')

def check(condition, problem):
    if not condition:
        sys.exit(f'reader.py: {problem}')

class Reader:
    def __init__(self, data, name):
        self.data, self.at, self.name = data, 0, name

    def take(self, count):
        check(self.at + count <= len(self.data), f'{self.name} ends at byte {len(self.data)}, too early')
        self.at += count
        return self.data[self.at - count:self.at]

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def string(self):
        return self.take(self.varint()).decode('utf-8')

    def value(self):
        """What JSON has no word for becomes an object with one field that begins with a dollar sign."""
        tag = self.u8()
        if tag >= 0xc0:
            return tag - 0xc0
        if tag >= 0x80:
            return self.take(tag - 0x80).decode('ascii')
        if 0x20 <= tag <= 0x2d:
            data = self.take(self.varint())
            return {'$bytes': data.hex(), 'type': BINARY[tag - 0x20]} if tag != 0x23 else data
        check(tag in VALUES, f'{self.name}: no value has the tag {tag}')
        return VALUES[tag](self)

    def double(self):
        value, = struct.unpack('<d', self.take(8))
        return {'$number': repr(value)} if repr(value) in ('nan', 'inf', '-inf', '-0.0') else value

    def values(self, factor=1):
        return [self.value() for _ in range(self.varint() * factor)]

    def pairs(self):
        items = self.values(2)
        return list(zip(items[::2], items[1::2]))

VALUES = {
    0x00: lambda r: {'$undefined': True}, 0x01: lambda r: None, 0x02: lambda r: False, 0x03: lambda r: True,
    0x04: lambda r: (lambda n: n >> 1 ^ -(n & 1))(r.varint()), 0x05: Reader.double,
    0x06: lambda r: {'$bigint': str(int.from_bytes(r.take(r.varint()), 'little', signed=True))},
    0x07: Reader.string, 0x08: lambda r: r.take(r.varint()).decode('utf-16-le', 'surrogatepass'),
    0x09: lambda r: {'$date': r.double()}, 0x0a: Reader.values,
    0x0b: lambda r: dict(r.pairs()), 0x0c: lambda r: dict(r.pairs()), 0x0d: lambda r: {'$map': r.pairs()},
    0x0e: lambda r: {'$set': r.values()}, 0x0f: lambda r: {'$hole': True},
    0x10: lambda r: {'$regExp': [r.value(), r.value()]},
    0x11: lambda r: {name: r.value() for name in ERROR},
}

def read_metadata(path):
    data = path.read_bytes()
    check(data[:12] == b'MILLRACEMETA' and len(data) >= 24, f'{path} is no checkpoint metadata')
    version, length, checksum = struct.unpack('<III', data[12:24])
    check(len(data) == 24 + length, f'{path} has {len(data)} bytes instead of {24 + length}')
    check(zlib.crc32(data[24:], zlib.crc32(data[8:20])) == checksum, f'{path}: the checksum does not match')
    check(version == 1, f'{path} has version {version}, this program reads 1')
    reader = Reader(data[24:], path)
    check(reader.u8() == 1, f'{path}: values of another version')
    return reader.value()

def read_handle(handle, base):
    if handle['kind'] == 'inline':
        return bytes(handle['bytes']), 'inline state'
    path = base / handle['path']
    data = path.read_bytes()
    check(len(data) == handle['sizeBytes'], f'{path} has {len(data)} bytes instead of {handle["sizeBytes"]}')
    check(zlib.crc32(data) == handle['checksum'], f'{path}: the checksum does not match')
    return data, path

def open_state_file(handle, base, magic):
    data, name = read_handle(handle, base)
    check(data[:4] == magic, f'{name} does not begin with {magic}')
    check(zlib.crc32(data[:-4]) == struct.unpack('>I', data[-4:])[0], f'{name}: the inner checksum does not match')
    reader = Reader(data[:-4], name)
    reader.take(4)
    check((reader.u8(), reader.u8()) == (1, 1), f'{name} has another version')
    return reader

def apply_segment(handle, base, states):
    """Adds to `states` {(name, kind): {canonical names: [key, (second name,) value]}} what one segment says."""
    reader = open_state_file(handle, base, b'MRKS')
    reader.u8(), reader.varint(), reader.string(), reader.varint(), reader.varint(), reader.varint()
    heads = []
    for _ in range(reader.varint()):
        kind = KINDS[reader.u8()]
        heads.append((reader.string(), kind))
    blocks = [[reader.varint() for _ in range(5)] for _ in range(reader.varint())]
    for head in heads:
        states.setdefault(head, {})
    for _, state, removals, entries, length in blocks:
        end = reader.at + length
        names = 2 if heads[state][1] in WITH_SECOND_NAME else 1
        for _ in range(removals):
            states[heads[state]].pop(canonical([reader.value() for _ in range(names)]), None)
        for _ in range(entries):
            record = [reader.value() for _ in range(names + 1)]
            states[heads[state]][canonical(record[:names])] = record
        check(reader.at == end, f'{reader.name}: a block ends at byte {reader.at} instead of {end}')

def operator_lists(handle, base, subtask):
    reader = open_state_file(handle, base, b'MRKO')
    for _ in range(reader.varint()):
        redistribution = {1: 'split', 2: 'union'}[reader.u8()]
        name, items, _ = reader.string(), reader.varint(), reader.varint()
        yield {'name': f'{name} of subtask {subtask}', 'kind': f'{redistribution} list',
               'entries': [[reader.value()] for _ in range(items)]}

def canonical(names):
    return json.dumps([0 if name == {'$number': '-0.0'} else name for name in names], sort_keys=True, default=as_json)

def as_json(value):
    return {'$bytes': value.hex(), 'type': 'Uint8Array'}

def locate(path):
    """The metadata file: of a checkpoint, a savepoint, or the newest complete checkpoint in the folder of a job."""
    if path.is_dir() and not (path / '_metadata').exists():
        ids = [int(name.parent.name[4:]) for name in path.glob('chk-*/_metadata')]
        check(ids, f'{path} has no complete checkpoint in it')
        path = path / f'chk-{max(ids)}'
    return path / '_metadata' if path.is_dir() else path

def read_checkpoint(path):
    file = locate(path)
    metadata = read_metadata(file)
    base = file.parent if metadata['kind'] == 'savepoint' else file.parent.parent
    for operator in metadata['operators']:
        states, lists, operator['stateBytes'] = {}, [], 0
        for index, subtask in enumerate(operator['subtasks']):
            if 'keyed' not in subtask:
                continue
            handles = [segment['handle'] for keyed in subtask['keyed'] for segment in keyed['segments']]
            for handle in handles:
                apply_segment(handle, base, states)
            if 'operatorState' in subtask:
                handles.append(subtask['operatorState'])
                lists += operator_lists(subtask['operatorState'], base, index)
            operator['stateBytes'] += sum(handle.get('sizeBytes', len(handle.get('bytes', b''))) for handle in handles)
        operator['states'] = [{'name': name, 'kind': kind, 'entries': sorted(records.values(), key=canonical)}
                              for (name, kind), records in sorted(states.items())] + lists
    return metadata

def print_table(metadata, with_keys):
    print(f'{metadata["kind"]} {metadata["checkpointId"]} of job {metadata["jobId"]} ({metadata["jobName"]})')
    for operator in metadata['operators']:
        print(f'\n{operator["name"]} ({operator["kind"]}, id {operator["operatorId"]}, uid {operator.get("uid")})')
        print(f'  parallelism {operator["parallelism"]}, {operator["stateBytes"]} bytes')
        for state in operator['states']:
            print(f'  {state["kind"]} {state["name"]}: {len(state["entries"])} entries')
            for record in state['entries'] if with_keys else []:
                print('    ' + '  '.join(json.dumps(part, default=as_json) for part in record))

def main(arguments):
    paths = [argument for argument in arguments if not argument.startswith('--')]
    if len(paths) != 1 or not set(arguments) - set(paths) <= {'--keys', '--json'}:
        sys.exit(__doc__)
    try:
        metadata = read_checkpoint(pathlib.Path(paths[0]).resolve())
    except OSError as error:
        sys.exit(f'reader.py: {error}')
    if '--json' in arguments:
        json.dump(metadata, sys.stdout, default=as_json)
    else:
        print_table(metadata, '--keys' in arguments)

main(sys.argv[1:])
