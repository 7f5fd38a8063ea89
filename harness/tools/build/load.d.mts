/** The exports of `entry`, a path from the root of the repository. */
export function load(entry: string): Promise<unknown>;
export function fingerprint(entry: string, folder?: string): string;
