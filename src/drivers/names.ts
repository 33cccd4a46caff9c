/** Names of network interfaces. */

/** dev_valid_name() of the kernel (net/core/dev.c): 1 to 15 bytes, neither white space nor '/' nor ':', not '.' and '..'. */
export const isInterfaceName = (name: string): boolean => /^[^\s/:\0]{1,15}$/.test(name) && !/^\.\.?$/.test(name);
