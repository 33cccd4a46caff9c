/** `kill -9` at any moment leaves nothing without an owner. The longer run is kill.long.ts. */
import { chaos } from '../support/chaos.ts';
import { hostTest } from '../support/host.ts';

hostTest('random verbs, the daemon killed in the middle, eight times', {}, (host) => chaos(host, 8, 20261126));
