import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileSystemOf } from './file-systems.ts';

describe('where a URI leads', () => {
  test.each([
    ['/a/b', 'file', '/a/b'],
    ['/a//b/../c/', 'file', '/a/c'],
    ['a/b', 'file', resolve('a/b')],
    ['./a:b', 'file', resolve('a:b')],
    ['/a b/%20', 'file', '/a b/%20'],
    ['file:///a/b', 'file', '/a/b'],
    ['file:/a/b/', 'file', '/a/b'],
    ['FILE://localhost/a', 'file', '/a'],
    ['file:///a%20b', 'file', '/a b'],
    ['memory:///a/b', 'memory', '/a/b'],
    ['memory://a/b', 'memory', '/a/b'],
  ])('%s', (uri, scheme, path) => {
    const location = fileSystemOf(uri);
    expect([location.fs.scheme, location.path]).toEqual([scheme, path]);
  });

  test('memory is one file system', () => {
    expect(fileSystemOf('memory:///a').fs).toBe(fileSystemOf('memory:///b').fs);
  });

  test.each([
    ['hdfs://namenode/x', 'there is no file system for "hdfs:"'],
    ['s3://bucket/x', 'this version has file:, memory: and plain paths'],
    ['constructor:x', 'there is no file system for "constructor:"'],
    ['file:a/b', 'is not absolute'],
    ['file://server/share', 'is no path on this machine'],
    ['file:///a%2Fb', 'is no path on this machine'],
    ['', 'an empty path'],
    ['/a\0b', 'zero byte'],
  ])('%j is refused', (uri, message) => {
    expect(() => fileSystemOf(uri)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    expect(() => fileSystemOf(uri)).toThrow(message);
  });
});
