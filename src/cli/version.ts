/** Put in by the build; a checkout that runs from source says so. */
export const BERTH_VERSION = process.env.BERTH_VERSION ?? '0.1.0-dev';
