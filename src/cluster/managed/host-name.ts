/** What a host may be called in a cluster: it becomes part of keys, of a certificate's subject and of etcd's command line. Pure. */
export const isHostName = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/.test(name);
