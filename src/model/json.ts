/** A JSON object in the API's shape, made by its owner and sent as it is. */
export type Json = Record<string, unknown>;

/** The API's filters: name → values. */
export type Filters = ReadonlyMap<string, readonly string[]>;
