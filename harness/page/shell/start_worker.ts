/**
 * Starts the page's workers. Under Trusted Types a worker's address must come from a policy; this is the page's only one, and it lets
 * nothing through but the three programs that the build knows.
 */
import edit from '/harness/page/edit/trial_worker.ts?worker&url';
import measure from '/harness/page/measure/measure_worker.ts?worker&url';
import training from '/harness/page/worker/worker.ts?worker&url';

const programs = { training, check: measure, bench: measure, edit };

/** TypeScript's DOM types lack this interface. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): typeof rules;
}
const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
const policy = trustedTypes?.createPolicy('webgpu-diffusion', { createScriptURL: (url) => url });

export function startWorker(name: keyof typeof programs): Worker {
  const url = programs[name];
  return new Worker(policy?.createScriptURL(url) ?? url, { type: 'module', name });
}
