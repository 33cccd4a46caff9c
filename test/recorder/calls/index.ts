import type { Story } from '../call.ts';
import { CONTAINERS } from './containers.ts';
import { EXEC } from './exec.ts';
import { IMAGES } from './images.ts';
import { NETWORKS } from './networks.ts';
import { SYSTEM } from './system.ts';
import { VOLUMES } from './volumes.ts';

export const STORIES: readonly Story[] = [...SYSTEM, ...CONTAINERS, ...EXEC, ...NETWORKS, ...VOLUMES, ...IMAGES];
