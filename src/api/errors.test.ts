import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as errors from '../errors.ts';
import { publicError } from './errors.ts';

void test('the table from kind to status', () => {
  const table: [errors.BerthError, number][] = [
    [errors.notModified('m'), 304],
    [errors.invalidParameter('m'), 400],
    [errors.forbidden('m'), 403],
    [errors.notFound('m'), 404],
    [errors.conflict('m'), 409],
    [errors.system('m', new Error('private')), 500],
    [errors.notImplemented('m'), 501],
    [errors.unavailable('m'), 503],
  ];
  for (const [error, status] of table) assert.deepEqual(publicError(error), { status, message: 'm' });
});

void test('what nobody meant to be sent is not sent', () => {
  for (const thrown of [new TypeError('/root/x'), 'text', undefined, { message: 'x' }]) {
    assert.deepEqual(publicError(thrown), { status: 500, message: 'internal error: see the log of berthd' });
  }
});
