import { loadDigits } from 'http://localhost:8001/digits.js';
import { createSession, expose } from 'http://localhost:8001/worker.js';

expose(globalThis, createSession({ images: loadDigits, store: false }));
