/** The page. It draws what the workers tell and sends them what people want; the work is theirs. */
import { App, type Panel } from './app';
import { createBenchPanel } from './bench_panel';
import { createCheckPanel } from './check_panel';
import { anyElement, button, byId, setText } from './dom';
import { connectDrop } from './drop';
import { adapterName } from './format';
import type { Settings } from './settings';
import type { State } from './state';
import { missingWebGpu, startTrouble, type Trouble } from './support';
import { createSamplePanel } from './sample_panel';
import { connectTabs } from './tabs';
import { createTrainPanel } from './train_panel';
import { Measurer } from './measurer';

declare global {
  interface Window {
    /** For scripts: what the page knows. */
    harness: { readonly settings: Settings; readonly state: State; readonly check: unknown; readonly bench: unknown };
  }
}

const SMALL = { batch: '16', samples: '16' };

function showTrouble({ title, why, remedies }: Trouble): void {
  anyElement('unsupported').hidden = false;
  setText(anyElement('unsupported-title'), title);
  setText(anyElement('unsupported-why'), why);
  anyElement('unsupported-remedies').replaceChildren(
    ...remedies.map((remedy) => {
      const item = document.createElement('li');
      item.textContent = remedy;
      return item;
    }),
  );
}

function start(): void {
  button('unsupported-retry').addEventListener('click', () => location.reload());
  const missing = missingWebGpu({
    secure: isSecureContext,
    hasGpu: 'gpu' in navigator && navigator.gpu !== undefined,
    userAgent: navigator.userAgent,
    address: location.origin,
  });

  const app = new App();
  const measurer = new Measurer(app);
  const tabs = connectTabs((task) => app.set('task', task));
  const check = createCheckPanel(app, measurer);
  const bench = createBenchPanel(app, measurer);

  const frame: Panel = {
    render() {
      const { state, settings } = app;
      tabs.show(settings.task);
      const { adapter, error } = state;
      const dot = anyElement('adapter').querySelector('.dot')!;
      dot.className = `dot ${adapter ? (adapter.software ? 'software' : 'gpu') : error?.at === 'start' || missing ? 'none' : ''}`;
      const name = adapter
        ? `${adapterName(adapter)}${adapter.software ? ' (software, not a GPU speed)' : ''}`
        : error?.at === 'start' || missing
          ? 'No GPU to work on'
          : 'Looking for a GPU…';
      setText(anyElement('adapter-name'), name);
      anyElement('software').hidden = !adapter?.software || settings.batch <= Number(SMALL.batch) || state.run !== undefined;
      if (error?.at === 'start') showTrouble(startTrouble(error.code, error.message, navigator.userAgent));
    },
    receive(event) {
      if (event.type === 'data' && autorun) {
        autorun = false;
        button({ train: 'train', sample: 'sample', check: 'check-run', bench: 'bench-run' }[app.settings.task]);
        startTask();
      }
    },
  };
  void byId;
  void connectDrop;
  void frame;
  void check;
  void bench;
}

let autorun = false;
function startTask(): void {}
start();
