/** T for callers who give what they like: what is left out, or undefined, has its default. */
export type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined };
