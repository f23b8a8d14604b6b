#!/usr/bin/env python3
"""Reads a Millrace checkpoint or savepoint with nothing but docs/formats/{checkpoint,state,values}.md.

reader.py PATH                lists operators, states and sizes
reader.py PATH --keys         and every key with its value
reader.py PATH --json         all of that as JSON
"""
import json
import math
import os
import re
import struct
import sys
import zlib

KINDS = {1: 'value', 2: 'list', 3: 'map', 4: 'reducing', 5: 'aggregating', 6: 'table', 7: 'mapTable', 8: 'timers'}
WITH_SECOND_NAME = ('map', 'mapTable', 'timers')
BINARY = ['Buffer', 'ArrayBuffer', 'DataView', 'Uint8Array', 'Uint8ClampedArray', 'Int8Array', 'Uint16Array', 'Int16Array',
          'Uint32Array', 'Int32Array', 'BigUint64Array', 'BigInt64Array', 'Float32Array', 'Float64Array']
HOLE = {'$hole': True}

class Broken(Exception):
    """What the file says makes no sense."""

def check(condition, problem):
    if not condition:
        raise Broken(problem)

class Reader:
    def __init__(self, data, name):
        self.data, self.at, self.name = data, 0, name

    def take(self, count):
        check(self.at + count <= len(self.data), f'{self.name} ends at byte {len(self.data)}, too early')
        self.at += count
        return self.data[self.at - count:self.at]

    def u8(self):
        return self.take(1)[0]

    def u32(self):
        return struct.unpack('<I', self.take(4))[0]

    def f64(self):
        return struct.unpack('<d', self.take(8))[0]

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

    def values(self, factor=1):
        return [self.value() for _ in range(self.varint() * factor)]

    def pairs(self):
        items = self.values(2)
        return list(zip(items[::2], items[1::2]))

    def zigzag(self):
        value = self.varint()
        return value // 2 if value % 2 == 0 else -(value + 1) // 2

    def error(self):
        name, message, stack, cause, fields = (self.value() for _ in range(5))
        return {'$error': name, 'message': message, 'stack': stack, 'cause': cause, 'fields': fields}

def number(value):
    return {'$number': repr(value)} if not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0) else value

VALUES = {
    0x00: lambda r: {'$undefined': True}, 0x01: lambda r: None, 0x02: lambda r: False, 0x03: lambda r: True,
    0x04: Reader.zigzag, 0x05: lambda r: number(r.f64()),
    0x06: lambda r: {'$bigint': str(int.from_bytes(r.take(r.varint()), 'little', signed=True))},
    0x07: Reader.string, 0x08: lambda r: r.take(r.varint()).decode('utf-16-le', 'surrogatepass'),
    0x09: lambda r: {'$date': number(r.f64())}, 0x0a: Reader.values, 0x0b: lambda r: dict(r.pairs()),
    0x0c: lambda r: dict(r.pairs()), 0x0d: lambda r: {'$map': [list(pair) for pair in r.pairs()]},
    0x0e: lambda r: {'$set': r.values()}, 0x0f: lambda r: HOLE,
    0x10: lambda r: {'$regExp': [r.value(), r.value()]}, 0x11: Reader.error,
}

def read_file(path):
    with open(path, 'rb') as file:
        return file.read()

def read_metadata(path):
    data = read_file(path)
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
    path = os.path.join(base, handle['path'])
    data = read_file(path)
    check(len(data) == handle['sizeBytes'], f'{path} has {len(data)} bytes instead of {handle["sizeBytes"]}')
    check(zlib.crc32(data) == handle['checksum'], f'{path}: the checksum does not match')
    return data, path

def open_state_file(handle, base, magic):
    data, name = read_handle(handle, base)
    check(data[:4] == magic, f'{name} does not begin with {magic}')
    check(zlib.crc32(data[:-4]) == struct.unpack('<I', data[-4:])[0], f'{name}: the inner checksum does not match')
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

def canonical(names):
    return json.dumps([0 if name == {'$number': '-0.0'} else name for name in names], sort_keys=True, default=as_json)

def as_json(value):
    return {'$bytes': value.hex(), 'type': 'Uint8Array'}

def locate(path):
    """The metadata file, and the folder that the paths in it start from."""
    if os.path.isdir(path) and not os.path.exists(os.path.join(path, '_metadata')):
        ids = [int(name[4:]) for name in os.listdir(path) if re.fullmatch(r'chk-\d+', name)]
        whole = [i for i in ids if os.path.exists(os.path.join(path, f'chk-{i}', '_metadata'))]
        check(whole, f'{path} has no complete checkpoint in it')
        path = os.path.join(path, f'chk-{max(whole)}')
    file = os.path.join(path, '_metadata') if os.path.isdir(path) else path
    return file, os.path.dirname(os.path.abspath(file))

def read_checkpoint(path):
    file, folder = locate(path)
    metadata = read_metadata(file)
    base = folder if metadata['kind'] == 'savepoint' else os.path.dirname(folder)
    for operator in metadata['operators']:
        states, size = {}, 0
        for subtask in operator['subtasks']:
            if not subtask or '$undefined' in subtask or '$hole' in subtask:
                continue
            for segment in [segment for keyed in subtask['keyed'] for segment in keyed['segments']]:
                size += len(read_handle(segment['handle'], base)[0])
                apply_segment(segment['handle'], base, states)
        operator['states'] = [{'name': name, 'kind': kind, 'entries': sorted(records.values(), key=canonical)}
                              for (name, kind), records in sorted(states.items())]
        operator['keyedBytes'] = size
    return metadata

def print_table(metadata, with_keys):
    print(f'{metadata["kind"]} {metadata["checkpointId"]} of job {metadata["jobId"]} ({metadata["jobName"]})')
    for operator in metadata['operators']:
        uid = f', uid {operator["uid"]}' if 'uid' in operator else ''
        print(f'\n{operator["name"]} ({operator["kind"]}, id {operator["operatorId"]}{uid}), '
              f'parallelism {operator["parallelism"]} of {operator["maxParallelism"]}')
        print(f'  keyed state: {operator["keyedBytes"]} bytes')
        for state in operator['states']:
            print(f'  {state["kind"]} {state["name"]}: {len(state["entries"])} entries')
            for record in state['entries'] if with_keys else []:
                print('    ' + '  '.join(json.dumps(part, default=as_json, ensure_ascii=False) for part in record))

def main(arguments):
    paths = [argument for argument in arguments if not argument.startswith('--')]
    if len(paths) != 1 or not set(arguments) - set(paths) <= {'--keys', '--json'}:
        sys.exit(__doc__)
    try:
        metadata = read_checkpoint(paths[0])
    except (Broken, OSError) as error:
        sys.exit(f'reader.py: {error}')
    if '--json' in arguments:
        json.dump(metadata, sys.stdout, default=as_json)
    else:
        print_table(metadata, '--keys' in arguments)

if __name__ == '__main__':
    main(sys.argv[1:])
