/** The object that all panels share: the settings and their address, the state and the worker behind it. */

import { stepIn } from '../../../src/keeping/slots';
import { recipes } from '../../../src/recipes';
import type { SampleEvent } from '../../../src/sampling/options';
import type { PageCalls } from '../messages/calls';
import { rewound } from '../messages/measurements';
import {
  eventPatch,
  isFreed,
  type ModelDescription,
  type Order,
  type Patch,
  type PlanWish,
  type WorkerEvent,
} from '../messages/messages';
import { orderSampling, runFileName } from '../messages/order';
import {
  isOfRun,
  type Key,
  type NetworkSource,
  type Settings,
  type Task,
  withRecipe,
} from '../messages/settings';
import { rememberedLosses, rememberLoss } from '../runs/device_lost';
import { type Grid, History } from '../runs/history';
import { readMeasurements, readNotes } from '../runs/run_notes';
import { Address } from './address';
import { distilledNote } from './distil_text';
import { download, keepFocus } from './dom';
import { Enlargements } from './enlargements';
import { ofFile, orOffline } from './format';
import { KeptRuns } from './kept_runs';
import {
  chosenSource,
  dataName,
  initialState,
  isFixed,
  isYoung,
  networkIn,
  recovered,
  reduce,
  type State,
} from './state';
import { startTrainingWorker, type TrainingWorker } from './training_worker';
import { type Sampled, sampledStep } from './trajectory';

export interface Panel {
  /** The views that show the panel; undefined: all. */
  readonly tasks?: readonly Task[];
  /** Brings the page in line with the state; called at most once a frame, and not at all while page or panel are hidden. */
  render(): void;
  /** Handles events that the state does not keep, such as pictures and files, and begins a task as soon as the state allows it. */
  receive?(event: WorkerEvent): void;
}

/** A view, whose tasks can be started without a click. */
export interface TaskPanel extends Panel {
  start(task: Task): void | Promise<void>;
}

/** A task that needs the GPU for itself. */
export type MeasureName = 'check' | 'bench';

export class App {
  readonly address: Address;
  /** Parts of the address that could not be used, and settings that a file has changed. */
  notices: readonly string[];
  readonly kept: KeptRuns;
  /** The view whose task starts as soon as the page is ready for it. */
  asked: Task | undefined;
  /** Starts it, if the page is ready. */
  starter = (): void => {};
  state: State = initialState;
  /** The task that has the GPU for itself. */
  measuring: MeasureName | undefined;
  /** Time of the last change of the state, in milliseconds: the page reports a long wait. */
  changedAt = performance.now();
  /** The wait for the run's first step, by performance.now(): from the click, or from the opening of the page, which is 0, if that started the run. */
  firstStep: { readonly from: number; readonly to?: number } | undefined;
  private readonly worker: TrainingWorker;
  /** Whether the worker was asked to open: from then on it has a GPU, or looks for one. */
  private opened = false;
  private stopped = false;
  /** Counts networks of files and images that have replaced others: what was answered about those is out of date. */
  replacements = 0;
  /** The name of the file that was opened last. */
  openedFile = '';
  /** Samples are made with the network of a file, if one is open. */
  private useFile = false;
  readonly enlargements = new Enlargements(this);
  /** The live samples of the run in this visit. */
  readonly grids = new History<Grid>(() => this.changed());
  private panels: readonly Panel[] = [];
  private drawing = false;

  constructor() {
    this.address = new Address((before) => this.moved(before));
    const { settings, home, problems } = this.address;
    this.notices = problems;
    if (settings.autorun && !home) this.asked = settings.task;
    if (settings.autorun && settings.task === 'train') this.firstStep = { from: 0 };
    this.worker = startTrainingWorker((event) => this.receive(event));
    this.kept = new KeptRuns(this);
    addEventListener('beforeunload', (event) => {
      // The browser asks whether to leave what would be lost.
      const { losses, saved, stored, distilling } = this.state;
      if (losses.length > Math.max(saved, stored) || distilling) event.preventDefault();
    });
    document.addEventListener('visibilitychange', () => {
      if (this.opened) this.failing(this.worker.visible(document.visibilityState === 'visible'));
    });
  }

  get settings(): Settings {
    return this.address.settings;
  }

  get home(): boolean {
    return this.address.home;
  }

  open(panels: readonly Panel[]): void {
    this.panels = panels;
    if (this.home) this.withoutGpu((client) => client.runs());
    else this.begin();
    this.changed();
  }

  /** Asks for a GPU, once. */
  begin(): void {
    const digits = !this.home && this.settings.task === 'train';
    if (this.opened) {
      if (digits && !this.state.data) this.failing(this.worker.digits());
      return;
    }
    this.opened = true;
    const visible = document.visibilityState === 'visible';
    const { settings } = this;
    this.failing(this.worker.open({ settings, visible, losses: rememberedLosses(), digits }));
  }

  /** Whether the page shows the state as it is. */
  get isDrawn(): boolean {
    return !this.drawing;
  }

  /** Steps of the run that are in no checkpoint. */
  get unsaved(): number {
    return this.state.losses.length - this.state.saved;
  }

  /** The network that makes samples. */
  get source(): NetworkSource {
    return chosenSource(this.state, this.settings, this.useFile);
  }

  /** The network that the page looks into, at intermediate noise levels: a distilled one has none, so the pretrained one takes its place. */
  get lookedInto(): NetworkSource {
    return this.source === 'file' && distilledNote(this.state.model) ? 'pretrained' : this.source;
  }

  /** Whether the run's network would be taken by default, but the pretrained one is still better. */
  get isYoung(): boolean {
    const { state, settings, source } = this;
    return source === 'run' && settings.model === 'auto' && isYoung(state, settings);
  }

  /** The network that the scenes ask. */
  get explained(): NetworkSource {
    return this.isYoung ? 'pretrained' : this.lookedInto;
  }

  /** The description of the network of `source`. */
  get network(): Omit<ModelDescription, 'name'> {
    return networkIn(this.source, this.state, this.settings);
  }

  /** Starts the task of a view as soon as the page is ready for it. */
  startWhenReady(task: Task): void {
    this.asked = task;
    this.starter();
    this.changed();
  }

  /** Has the training worker do something, and reports the error, if any. */
  command(give: (client: TrainingWorker) => Promise<unknown>, at: 'data' | 'task' = 'task'): void {
    this.begin();
    this.failing(give(this.worker), at);
  }

  /** The same with what needs no GPU: the worker asks for none. */
  withoutGpu(give: (client: TrainingWorker) => Promise<unknown>): void {
    this.failing(give(this.worker), 'data');
  }

  /** Makes a call of the page's own. */
  send<Name extends keyof PageCalls>(name: Name, ...given: Parameters<TrainingWorker[Name]>): void {
    this.command((client) => callOf(client, name)(...given));
  }

  /** Trains `steps` steps, or to the end of the run. What is missing is made. */
  train(steps?: number, wish?: PlanWish): void {
    this.firstStep ??= { from: performance.now() };
    this.send('press', { steps, wish });
  }

  /** Calls the training worker and waits for its answer. None comes if the device is lost or the run reset before, until `signal` is aborted. */
  async ask<Name extends keyof PageCalls>(
    name: Name,
    given: Parameters<TrainingWorker[Name]>[0],
    signal?: AbortSignal,
  ): Promise<Answer<Name>> {
    this.begin();
    try {
      return await callOf(this.worker, name)(given, { signal });
    } catch (error) {
      const { name: kind, code } = error as { readonly name?: string; readonly code?: string };
      // It was dropped with its run, or with its device, which has an event of its own.
      const isDropped = kind === 'AbortError' ? !signal?.aborted : this.isOfLost(code);
      if (isDropped)
        return new Promise<never>((_, reject) =>
          signal?.addEventListener('abort', () => reject(signal.reason), { once: true }),
        );
      if (error instanceof Error) error.message = orOffline(error.message);
      throw error;
    } finally {
      this.changed();
    }
  }

  /** The steps of images as they are made. They end early where that fails, which the page says, or gives way to something else. */
  async *make(order: Order, signal: AbortSignal): AsyncGenerator<Sampled> {
    const { source, count } = order;
    const settings = this.address.chosen;
    const network = networkIn(source, this.state, settings);
    const { objective } = recipes[network.recipe].trainer;
    const polish = network.sampling.polish ?? (false as const);
    const options = { network: source, count, polish, ...orderSampling({ ...network, objective }, order) };
    const start = (steps: ReadableStreamDefaultController<Sampled>) => {
      const onFrame = (event: SampleEvent) => {
        if (signal.aborted) return;
        const sampled = sampledStep(event, { order, settings, network, trained: this.state.losses.length });
        steps.enqueue(sampled);
        this.receive({ type: 'sampled', step: sampled.step, steps: sampled.steps });
      };
      this.command((client) =>
        client
          .make({ ...options, onFrame }, { signal })
          .catch(unlessAborted)
          .finally(() => steps.close()),
      );
    };
    const steps = new ReadableStream({ start }).getReader();
    for (let next = await steps.read(); !next.done; next = await steps.read()) yield next.value;
  }

  /** Saves the run as a file: its network, or a checkpoint to go on from. */
  save(what: 'model' | 'checkpoint'): void {
    this.command(async (client) => {
      const bytes = await client.save(what);
      // After a divergence it is the last good state.
      const step = what === 'model' ? this.state.losses.length : stepIn(bytes);
      const name = `${what}-step-${step}`;
      download(runFileName(this.settings, dataName(this.state), name, 'safetensors'), bytes);
      if (what === 'checkpoint') this.state = { ...this.state, saved: step };
    });
  }

  /** Reports the error of a call, if any. A worker that has stopped says so by itself, and a lost device has an event of its own. */
  failing(call: Promise<unknown>, at: 'data' | 'task' = 'task'): void {
    call.catch(({ code = 'unexpected', message }) => {
      if (!this.stopped && !this.isOfLost(code)) this.receive({ type: 'problem', at, code, message });
    });
  }

  /** Whether an error of this code is the one of a lost device, which has an event of its own. */
  private isOfLost(code: string | undefined): boolean {
    return ['device-lost', 'destroyed'].includes(code ?? '') && this.state.error?.code === 'device-lost';
  }

  /** Takes a setting from text, and updates the address and the worker. Returns the problem with the text, if any. */
  set(key: Key, text: string, name?: string): string | undefined {
    const problem = this.address.set(key, text, name);
    if (problem) return problem;
    if (key === 'model') this.useFile = false;
    const { data, run } = this.state;
    if (key === 'begin' && data && !run) this.address.suit(data);
    return undefined;
  }

  /** Takes another network to make samples and to look into; `run` and `pretrained` are a setting, a file is not. */
  choose(source: NetworkSource): void {
    if (source !== 'file') this.set('model', source);
    else {
      this.useFile = true;
      this.changed();
    }
  }

  /** Takes a setting from a link that leads on, but for what a run keeps: another recipe would bring its own rate, too. */
  lead(key: Key, text: string): void {
    if (!(isOfRun(key) && isFixed(this.state))) this.set(key, text);
  }

  /** Other settings, or another view, than before. */
  private moved(before: Settings): void {
    if (this.settings.recipe !== before.recipe) this.notices = [];
    this.adjust();
    if (!this.home) this.begin();
    this.changed();
  }

  /** A complaint of the page's own, about files. */
  complain(message: string): void {
    this.receive({ type: 'problem', at: 'data', code: 'argument', message });
  }

  /** Shows a notice above the view, in place of another. */
  notify(notice: string, before?: string): void {
    this.notices = [...this.notices.filter((each) => each !== notice && each !== before), notice];
    this.changed();
  }

  dismissNotices(): void {
    this.notices = [];
    this.changed();
  }

  /** Clears the error about files. */
  forgive(): void {
    if (this.state.error?.at === 'data') this.state = { ...this.state, error: undefined };
    this.changed();
  }

  /** Draws the page anew before the next frame. */
  changed(): void {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      keepFocus(() => {
        for (const panel of this.panels) if (this.shows(panel)) panel.render();
      });
    });
  }

  private shows({ tasks }: Panel): boolean {
    return !tasks || (!this.home && tasks.includes(this.settings.task));
  }

  /** Tells the worker the settings. */
  adjust(): void {
    // Until a kept run has brought its settings, the page’s own would change its rate and its end.
    if (this.opened && !this.kept.goesOn) this.failing(this.worker.settings(this.settings));
  }

  /** Takes what a file has brought, and says so where that is another recipe. */
  private takeFrom(name: string, recipe: Settings['recipe'], others: Partial<Settings> = {}): void {
    const before = this.settings.recipe;
    this.address.take({ ...withRecipe(this.settings, recipe), ...others });
    if (recipe !== before)
      this.notify(`${name} uses the recipe ${recipe}: the page has changed to it from ${before}.`);
  }

  private receive(given: WorkerEvent): void {
    const event = this.named(given);
    const { address, kept } = this;
    const before = this.state;
    this.state = reduce(before, event);
    const { state } = this;
    const { data, model, resumed, planned, note = resumed?.note } = eventPatch(event);
    if (state.model !== before.model || (before.data && state.data !== before.data)) this.replacements++;
    this.changedAt = performance.now();
    if (event.type === 'losses' && this.firstStep) this.firstStep = { to: this.changedAt, ...this.firstStep };
    const { coming } = kept;
    kept.receive(event, before.phase);
    if (event.type === 'lost' || isFreed(event)) this.enlargements.drop();
    if (event.type === 'lost') rememberLoss();
    if (event.type === 'pictures' && event.pictures.grid) this.grids.add(event.pictures.grid);
    if (isFreed(event)) {
      this.grids.clear();
      this.firstStep = undefined;
    }
    if (event.type === 'stopped') this.stopped = true;
    if (planned) address.takePlan(planned, state.adapter?.software ?? false);
    // A kept run brings its settings with it: others would end it elsewhere.
    if (data && !state.run && !kept.goesOn) address.suit(data);
    if (event.type === 'warning' && !event.run) this.notify(event.message);
    else if (event.type === 'recovered') this.notify(recovered(state, event.step));
    if (resumed) this.takeRun(resumed);
    if (model) {
      this.useFile = true;
      // A run keeps its recipe, although the samples follow the model's.
      if (!state.run) this.takeFrom(this.openedFile, model.recipe);
    }
    if (note) this.notify(ofFile(note, this.openedFile));
    for (const panel of this.panels) panel.receive?.(event);
    // Images that the user has given, or that other choices have made of the same pictures.
    if (data && (coming || data.pictures)) kept.goOnWaiting();
    // Last: the table of runs keeps a row of the run with its own batch and rate.
    if (isFreed(event)) address.leavePlan();
    this.changed();
  }

  /** The event, with what only the page knows. */
  private named(event: WorkerEvent): WorkerEvent {
    const { model } = eventPatch(event);
    if (model)
      return { type: 'patch', patch: { ...eventPatch(event), model: { ...model, name: this.openedFile } } };
    return event.type === 'problem' ? { ...event, message: orOffline(event.message) } : event;
  }

  /** Takes the settings of a run that goes on, and what was noted of it here. */
  private takeRun({ id, losses, kept, settings }: NonNullable<Patch['resumed']>): void {
    if (id) {
      const { begin } = readNotes()[id] ?? {};
      this.state = { ...this.state, begin, measured: rewound(readMeasurements(id), losses.length) };
    }
    this.kept.goesOn = undefined;
    this.takeFrom(kept ? 'The run' : this.openedFile, settings.recipe, settings);
  }
}

type Answer<Name extends keyof PageCalls> = Awaited<ReturnType<TrainingWorker[Name]>>;

const callOf = <Name extends keyof PageCalls>(worker: TrainingWorker, name: Name) =>
  worker[name] as (...given: unknown[]) => Promise<Answer<Name>>;

/** Images that were stopped, or have given way to another task, are no failure. */
const unlessAborted = (error: { readonly name?: string }) => {
  if (error.name !== 'AbortError') throw error;
};
