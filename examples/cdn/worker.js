import { loadDigits } from 'http://localhost:8001/digits.js';
import { serve } from 'http://localhost:8001/worker.js';

serve(globalThis, { images: loadDigits, store: false });
