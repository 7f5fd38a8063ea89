import { defineConfig } from 'vite';
import { wgsl } from './shaders/plugin';

export default defineConfig({
  plugins: [wgsl()],
});
