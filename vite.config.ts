/// <reference types="vitest/config" />
import { defineConfig } from 'vite';
import { wgsl } from './shaders/plugin';

export default defineConfig(async ({ mode }) => ({
  plugins: [wgsl()],
  // Loaded under vitest only: neither the page nor the builds need the browsers' drivers.
  ...(mode === 'test' ? { test: { projects: (await import('./test/lanes/projects')).projects } } : {}),
}));
