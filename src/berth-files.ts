/**
 * berth-files: one look into one container's files, by a process of its own that ends with it. Started by
 * engine/files/worker.ts, which says on which descriptors it is told what to do.
 */
import { runJob } from './engine/files/inside/main.ts';

process.title = 'berth-files';
process.umask(0);
process.exitCode = runJob(Number(process.argv[2]));
