/** The training worker: the page never waits for the GPU, and a hidden page trains at full speed. */
import { PageWorker } from './page_worker';

new PageWorker(globalThis);
