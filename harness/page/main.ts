/** The page. It draws what the workers report and sends them the user's commands; the workers do the work. */

import { adapterLabel } from '../text/adapter_text';
import { DrawPanel } from './draw/draw_panel';
import { lateDesk } from './edit/late_desk';
import { createExplainPanel, explainWithoutGpu } from './explain/explain_panel';
import { connectGlossary } from './glossary/glossary';
import { createInsidePanel } from './inside/inside_panel';
import { createSamplePanel } from './make/sample_panel';
import { GpuPanel } from './measure/gpu_panel';
import { eventPatch } from './messages/messages';
import type { Settings } from './messages/settings';
import { rememberedLosses } from './runs/device_lost';
import { toAddress } from './shell/address';
import { App, type Panel } from './shell/app';
import { anyElement, byId, connectPresses, make, onClick, setHidden, setText } from './shell/dom';
import { connectDoors, connectLeads, viewFor, viewNames, windowTitle } from './shell/doors';
import { connectFaces, connectFiles } from './shell/file_input';
import type { State } from './shell/state';
import { createRunsTable } from './train/runs_table';
import { createTrainPanel } from './train/train_panel';
import { trainingProgress } from './train/train_readings';
import { createHome, createStarter } from './welcome/home';
import { playRecording } from './welcome/recorded';
import { missingWebGpu, startTrouble, type Trouble } from './welcome/support';

declare global {
  interface Window {
    /** For scripts: everything that the page shows. */
    harness: {
      readonly settings: Settings;
      /** Takes a setting from text, as the address has it. Returns the problem with the text, if any. */
      readonly set: App['set'];
      readonly state: State;
      /** Whether the page shows that state; a button may look as it did before until then. */
      readonly isDrawn: boolean;
      readonly check: unknown;
      readonly bench: unknown;
    };
  }
}

function showTrouble({ title, why, remedies }: Trouble): void {
  if (!anyElement('unsupported').hidden) return;
  document.body.classList.add('unsupported');
  setHidden('home', false);
  setHidden('recorded', false);
  setHidden('unsupported', false);
  setText('unsupported-title', title);
  setText('unsupported-why', why);
  anyElement('unsupported-remedies').replaceChildren(
    ...remedies.map((remedy) =>
      make('li', {}, ...remedy.split('`').map((part, i) => (i % 2 === 0 ? part : make('code', {}, part)))),
    ),
  );
  setHidden('adapter', false);
  setText('adapter-name', 'No GPU to work on');
  dot().className = 'dot none';
  explainWithoutGpu();
}

const dot = () => byId('adapter', HTMLElement).querySelector('.dot')!;

/** The adapter, the notices about the page's address, and the open tab. */
function createFrame(app: App): Panel {
  const doors = connectDoors((task) => app.set('task', task));
  connectLeads((key, text) => app.lead(key, text));
  onClick('files-problem-close', () => app.forgive());
  onClick('notices-close', () => app.dismissNotices());
  let noticesShown: readonly string[] = [];
  const renderNotices = () => {
    if (app.notices === noticesShown) return;
    noticesShown = app.notices;
    setHidden('notices', noticesShown.length === 0);
    anyElement('notices-list').replaceChildren(...noticesShown.map((notice) => make('p', {}, notice)));
  };
  const openView = () => (app.home ? undefined : viewFor(app.settings.task));
  const renderTitle = () => {
    const { state, settings } = app;
    const { share } = trainingProgress(state, settings);
    document.title = windowTitle(openView(), state.training && state.run ? share : undefined);
  };
  return {
    /** Files' contents are shown where they are used. */
    receive(event) {
      const { model, resumed, data } = eventPatch(event);
      if (model) app.set('task', 'sample');
      else if (resumed || data?.builtIn === false) app.set('task', 'train');
      // A page behind another one is not drawn, but its title can be read.
      renderTitle();
    },
    render() {
      const { state } = app;
      renderTitle();
      const view = openView();
      setText('view-title', view ? viewNames[view] : '');
      renderNotices();
      doors.show(view, (task) => toAddress({ ...app.address.chosen, task }));
      const { adapter, error } = state;
      const problem = error?.at === 'data' ? error.message : '';
      const shown = anyElement('files-problem-text').textContent;
      setHidden('files-problem', !problem);
      setText('files-problem-text', problem);
      // The user who dropped the file may have scrolled far down the page.
      if (problem && problem !== shown) anyElement('files-problem').scrollIntoView({ block: 'nearest' });
      if (error?.at === 'start')
        showTrouble(startTrouble(error.code, error.message, navigator.userAgent, rememberedLosses().length));
      setHidden('adapter', !adapter && app.home && !error);
      if (!adapter) return;
      dot().className = `dot ${adapter.software ? 'software' : 'gpu'}`;
      setText(
        'adapter-name',
        `${adapterLabel(adapter)}${adapter.software ? ' (software: not a GPU’s speed)' : ''}`,
      );
    },
  };
}

function start(): void {
  anyElement('not-started').remove();
  connectPresses();
  connectGlossary();
  onClick('unsupported-retry', () => location.reload());
  playRecording(() => !anyElement('home').hidden).catch((error) => {
    setText('recorded-note', `The recording could not be loaded. ${error.message}`);
  });
  const missing = missingWebGpu({
    secure: isSecureContext,
    hasGpu: 'gpu' in navigator && navigator.gpu !== undefined,
    userAgent: navigator.userAgent,
    address: location.origin,
  });
  if (missing) {
    showTrouble(missing);
    return;
  }
  const app = new App();
  const gpu = new GpuPanel(app);
  const draw = new DrawPanel(app);
  const runs = createRunsTable(app);
  const panels = {
    train: createTrainPanel(app),
    sample: createSamplePanel(app),
    draw,
    inside: createInsidePanel(app, lateDesk(app)),
    explain: createExplainPanel(app),
    gpu,
  };
  connectFiles(app);

  const starter = createStarter(app, panels);
  const home = createHome(app);
  app.open([
    home,
    createFrame(app),
    runs,
    ...Object.values(panels),
    draw.onTrain,
    connectFaces(app),
    starter,
  ]);

  window.harness = {
    get settings() {
      return app.settings;
    },
    set: (...given) => app.set(...given),
    get state() {
      return app.state;
    },
    get isDrawn() {
      return app.isDrawn;
    },
    get check() {
      return gpu.check.results;
    },
    get bench() {
      return gpu.bench.results;
    },
  };
}

start();
