/** The training worker: the page never waits for the GPU, and a hidden page trains at full speed. */
import { serve } from '../../../src/worker';
import { PageHost } from './host';

serve(globalThis, { host: (session, tell) => new PageHost(session, tell) });
