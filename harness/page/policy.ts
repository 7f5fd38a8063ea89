/**
 * The Content-Security-Policy that the built page carries, and works under as a header: its own files alone, no markup from text, no
 * inline script or style. `webgpu-diffusion` names the Trusted Types policy of start_worker.ts.
 */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types webgpu-diffusion',
].join('; ');
