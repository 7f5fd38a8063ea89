import type { App, TaskPanel } from './app';
export function createBenchPanel(_app: App): TaskPanel & { readonly results: unknown } {
  return { start() {}, render() {}, results: undefined };
}
