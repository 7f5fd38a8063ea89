/** The object that all panels share: the settings and their address, the state and the worker behind it. */

import { stepIn } from '../../../src/keeping/slots';
import { recipes } from '../../../src/recipes';
import type { SampleEvent } from '../../../src/sampling/options';
import { type Answer, callOf, type DataOrder, type Given, type PageCalls } from '../messages/calls';
import { beginningOf } from '../messages/fine_tune';
import { rewound } from '../messages/measurements';
import {
  type DataDescription,
  isFreed,
  type ModelDescription,
  type Order,
  type Patch,
  type PlanWish,
  patchOf,
  type WorkerEvent,
} from '../messages/messages';
import { runFileName, samplingOf } from '../messages/order';
import {
  initialOf,
  initialSettings,
  isOfRun,
  type Key,
  parseQuery,
  type Settings,
  type Source,
  type Task,
  toQuery,
  withoutPlan,
  withPictures,
  withRecipe,
  withSetting,
  workerSettings,
} from '../messages/settings';
import { rememberedLosses, rememberLoss } from '../runs/device_lost';
import { type Grid, History } from '../runs/history';
import { drawingsOfText, imagesOfDrawings, type KeptDrawing } from '../runs/kept_drawings';
import { keepNotes, measurementsOf, readNotes } from '../runs/run_notes';
import { distilledNote } from './distil_text';
import { download, keepFocus } from './dom';
import { ofFile, orOffline } from './format';
import {
  dataNameOf,
  endsReading,
  initialState,
  isComplete,
  isFixed,
  isYoung,
  networkIn,
  recovered,
  reduce,
  type State,
  sourceOf,
} from './state';
import { startTrainingWorker, type TrainingWorker } from './training_worker';
import { stepOf } from './trajectory';

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
export type MeasureName = 'check' | 'bench' | 'measurement';

/** Live samples on a software adapter. */
const FEW = 10;

/** The place of a view in the address; an empty query is the welcome. */
export const addressOf = (settings: Settings) => toQuery(settings) || '?task=train';

export class App {
  settings: Settings;
  /** The page shows its welcome instead of a view. */
  home = location.search === '';
  /** Notices: parts of the address that could not be used, and settings that a file has changed. */
  notices: readonly string[];
  /** The drawings that were last given as training images. */
  drawings: readonly KeptDrawing[] = [];
  /** The recipe before coloured pictures brought theirs; undefined once the user has chosen one. */
  private recipeBefore: Settings['recipe'] | undefined;
  /** What the plan of the run has set, and what was there before. */
  private planned: { readonly before: Settings; readonly set: Partial<Settings> } | undefined;
  /** The view whose task starts as soon as the page is ready for it. */
  asked: Task | undefined;
  /** Starts it, if the page is ready. */
  starter = (): void => {};
  /** Samples are made with the network of a file, if one is open. */
  useFile = false;
  state: State = initialState;
  /** Images that the user has given are on their way: what is trained on them waits, since they may bring a recipe. */
  coming = false;
  /** The task that has the GPU for itself. */
  measuring: MeasureName | undefined;
  /** Time of the last change of the state, in milliseconds: the page reports a long wait. */
  changedAt = performance.now();
  /** Waiting time for the run's first step: from the opening of the page if that started the run, else from the click. */
  firstStep: { readonly seconds: number; readonly from: 'page' | 'click' } | undefined;
  /** Start of the wait for the first step, from performance.now(): 0 is the opening of the page. */
  private startedAt: number | undefined;
  private readonly worker: TrainingWorker;
  /** Whether the worker was asked to open: from then on it has a GPU, or looks for one. */
  private opened = false;
  /** Counts networks of files and images that have replaced others: what was answered about those is out of date. */
  replacements = 0;
  /** The kept run that is about to go on: it is in no list of the kept ones, and the page does not have it yet. */
  private goesOn: string | undefined;
  /** The name of the file that was opened last. */
  openedFile = '';
  /** The live samples of the run in this visit. */
  readonly grids = new History<Grid>();
  /** The run whose images the worker was asked to keep. */
  private keptFor: string | undefined;
  /** Ends the images that are being made. */
  private sampling = new AbortController();
  private stopped = false;
  private panels: readonly Panel[] = [];
  private drawing = false;

  constructor() {
    const { settings, notices } = parseQuery(location.search);
    this.settings = settings;
    this.notices = notices;
    if (settings.autorun && !this.home) this.asked = settings.task;
    if (settings.autorun && settings.task === 'train') this.startedAt = 0;
    this.worker = startTrainingWorker((event) => this.receive(event));
    addEventListener('popstate', () => {
      this.home = location.search === '';
      // Only a change of views made this place; its numbers may be those before a run that goes on meanwhile.
      const { task } = this.home ? this.settings : parseQuery(location.search).settings;
      this.take({ ...this.settings, task });
    });
    addEventListener('beforeunload', (event) => {
      // The browser asks whether to leave what would be lost.
      const { losses, saved, stored, distilling } = this.state;
      if (losses.length > Math.max(saved, stored) || distilling) event.preventDefault();
    });
    document.addEventListener('visibilitychange', () => {
      if (this.opened) this.failing(this.worker.visible(document.visibilityState === 'visible'));
    });
  }

  open(panels: readonly Panel[]): void {
    this.panels = panels;
    if (this.home) this.failing(this.worker.runs());
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
    const settings = workerSettings(this.settings);
    this.failing(this.worker.open({ settings, visible, losses: rememberedLosses(), digits }));
  }

  /** The settings without what a plan has set: these are in the address, since another adapter has another plan. */
  get chosen(): Settings {
    return this.planned ? withoutPlan(this.settings, this.planned) : this.settings;
  }

  /** Shows the welcome again; nothing is lost. */
  goHome(): void {
    if (this.home) return;
    this.home = true;
    this.take(this.settings, true);
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
  get source(): Source {
    return sourceOf(this.state, this.settings, this.useFile);
  }

  /** The network that the page looks into, at intermediate noise levels: a distilled one has none, so the pretrained one takes its place. */
  get lookedInto(): Source {
    return this.source === 'file' && distilledNote(this.state.model) ? 'pretrained' : this.source;
  }

  /** Whether the run's network would be taken by default, but the pretrained one is still better. */
  get isYoung(): boolean {
    const { state, settings, source } = this;
    return source === 'run' && settings.model === 'auto' && isYoung(state, settings);
  }

  /** The network that the scenes ask. */
  get explained(): Source {
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

  /** Makes a call of the page's own. */
  send<Name extends keyof PageCalls>(name: Name, ...given: Given<Name>): void {
    this.command((client) => callOf(client, name, given[0]));
  }

  /** Trains `steps` steps, or to the end of the run. What is missing is made. */
  train(steps?: number, wish?: PlanWish): void {
    this.startedAt ??= performance.now();
    this.send('press', { steps, wish });
  }

  /** Calls the training worker and waits for its answer. There is none if the device is lost or the run reset before. */
  async ask<Name extends keyof PageCalls>(
    name: Name,
    given: Given<Name>[0],
    signal?: AbortSignal,
  ): Promise<Answer<Name>> {
    this.begin();
    try {
      return await callOf(this.worker, name, given, { signal });
    } catch (error) {
      const { name: kind, code } = error as { readonly name?: string; readonly code?: string };
      // It was dropped with its run, or with its device, which has an event of its own.
      const isDropped = kind === 'AbortError' ? !signal?.aborted : this.isOfLost(code);
      if (isDropped) return new Promise(() => {});
      if (error instanceof Error) error.message = orOffline(error.message);
      throw error;
    } finally {
      this.changed();
    }
  }

  /** Makes images, in place of those that are being made. */
  sample(order: Order): void {
    this.stopSampling();
    const { source, count } = order;
    const network = networkIn(source, this.state, this.settings);
    const { objective } = recipes[network.recipe].trainer;
    const options = {
      polish: network.sampling.polish ?? (false as const),
      ...{ network: source, count, ...samplingOf({ ...network, objective }, order) },
      onFrame: (event: SampleEvent) => this.receive(stepOf(event, order, network)),
    };
    const { signal } = this.sampling;
    this.command((client) => client.make(options, { signal }).catch(unlessAborted));
  }

  /** Leaves the images that are being made as they are. */
  stopSampling(): void {
    this.sampling.abort();
    this.sampling = new AbortController();
  }

  /** Leaves the page's run in the browser, and is ready for another. */
  putAside(): void {
    this.send('leave', true);
  }

  /** Trains a run that the browser keeps, in place of the page's, on the drawings that are kept with it, if there are any. */
  goOn(id: string): void {
    if (this.isHeldUp()) return;
    const go = () => this.goOnNow(id);
    // What the page notes of its own run until then is of that run.
    if (isFixed(this.state) || this.state.losses.length > 0)
      this.command((client) => client.leave(true).then(go));
    else go();
  }

  private goOnNow(id: string): void {
    const waited = this.state.needsData === id;
    const { drawings: text = '', pictures } = readNotes()[id] ?? {};
    const run = this.state.kept.find((each) => each.id === id);
    if (run && run.settings.source !== 'mnist') this.take(withPictures(this.settings, pictures, run.data));
    this.goesOn = id;
    const drawings = drawingsOfText(text);
    if (drawings) this.drawings = drawings;
    const resume = async (client: TrainingWorker) => {
      try {
        await client.goOn({ from: id });
      } catch (error) {
        if (waited || this.state.needsData !== id) throw error;
        // Now the page asks for its images, unless it has drawn them.
        if (drawings) this.takeImages(imagesOfDrawings(drawings));
        return;
      } finally {
        this.goesOn = undefined;
        this.adjust();
      }
      if (!isComplete(this.state, this.settings.epochs)) await client.press({});
    };
    this.command(resume, 'data');
  }

  /** The kept run that waits for its images tries again. */
  private goOnWaiting(): void {
    const { needsData } = this.state;
    if (needsData !== undefined && !this.goesOn && !this.isHeldUp()) this.goOnNow(needsData);
  }

  /** Gives the worker images to train on. A kept run that waits for them trains at once. */
  takeImages(from: DataOrder['from']): void {
    if (this.state.needsData !== undefined && this.isHeldUp()) return;
    this.coming = true;
    this.send('data', { from });
  }

  /** Whether a kept run cannot go on now, which the page says. */
  private isHeldUp(): boolean {
    if (this.measuring)
      this.notify(`The ${this.measuring} has the GPU: go on with the run when it has ended.`);
    return this.measuring !== undefined;
  }

  /** Saves the run as a file: its network, or a checkpoint to go on from. */
  save(what: 'model' | 'checkpoint'): void {
    this.command(async (client) => {
      const bytes = await client.save(what);
      // After a divergence it is the last good state.
      const step = what === 'model' ? this.state.losses.length : stepIn(bytes);
      const name = `${what}-step-${step}`;
      download(runFileName(this.settings, dataNameOf(this.state), name, 'safetensors'), bytes);
      if (what === 'checkpoint') this.state = { ...this.state, saved: step };
    });
  }

  /** Deletes a run that the browser keeps. */
  discard(id: string): void {
    if (this.state.needsData === id) this.state = { ...this.state, needsData: undefined };
    this.command((client) => client.discard(id), 'data');
  }

  /** Reports the error of a call, if any. A worker that has stopped says so by itself, and a lost device has an event of its own. */
  private failing(call: Promise<unknown>, at: 'data' | 'task' = 'task'): void {
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
    const { settings, problem } = withSetting(this.settings, key, text, name);
    if (!settings) return problem;
    // Another view is a place to come back to; another number is not.
    const place = key === 'task' && (this.home || settings.task !== this.settings.task);
    if (key === 'task') this.home = false;
    if (key === 'recipe') this.recipeBefore = undefined;
    if (key === 'model') this.useFile = false;
    if (this.planned) this.planned = { ...this.planned, set: { ...this.planned.set, [key]: undefined } };
    this.take(settings, place);
    if (key === 'begin' && this.state.data && !this.state.run) this.suit(this.state.data);
    return undefined;
  }

  /** Takes another network to make samples and to look into; `run` and `pretrained` are a setting, a file is not. */
  choose(source: Source): void {
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

  private take(settings: Settings, place = false): void {
    if (settings.recipe !== this.settings.recipe) this.notices = [];
    this.settings = settings;
    const address = this.home ? location.pathname : addressOf(this.chosen);
    if (place) history.pushState(null, '', address);
    // A needless one may cancel the next step Back, which the browser has begun already.
    else if (new URL(address, location.href).href !== location.href) history.replaceState(null, '', address);
    this.adjust();
    if (!this.home) this.begin();
    this.changed();
  }

  /** A complaint of the page's own, about files. */
  complain(message: string): void {
    this.receive({ type: 'problem', at: 'data', code: 'argument', message });
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

  private adjust(): void {
    // Until a kept run has brought its settings, the page’s own would change its rate and its end.
    if (this.opened && !this.goesOn) this.failing(this.worker.settings(workerSettings(this.settings)));
  }

  /** Takes what a file has brought, and says so where that is another recipe. */
  private takeFrom(name: string, recipe: Settings['recipe'], others: Partial<Settings> = {}): void {
    const before = this.settings.recipe;
    this.take({ ...withRecipe(this.settings, recipe), ...others });
    if (recipe !== before)
      this.notices = [`${name} uses the recipe ${recipe}: the page has changed to it from ${before}.`];
  }

  /** Coloured pictures of the user's bring the recipe whose pretrained network suits them, unless another is chosen, or new weights. */
  private suit(data: DataDescription): void {
    const { settings, recipeBefore } = this;
    const pictures = withRecipe({ ...settings, begin: 'auto' }, 'pictures');
    const isSuited = settings.begin !== 'new' && beginningOf(pictures, data) === 'pretrained';
    if (isSuited && settings.recipe === initialSettings.recipe) {
      this.take(withRecipe(settings, 'pictures'));
      this.recipeBefore = settings.recipe;
    } else if (!isSuited && recipeBefore) {
      this.recipeBefore = undefined;
      this.take(withRecipe(settings, recipeBefore));
    }
  }

  /** Takes what a plan sets; a software adapter also makes fewer live samples, so that new ones come every few seconds. */
  private takePlan({ plan: { batch, epochs }, lr }: NonNullable<Patch['planned']>): void {
    const { chosen, state } = this;
    const usual = initialOf(chosen.recipe);
    // Of a run that was begun elsewhere, too.
    const before = { ...chosen, batch: usual.batch, epochs: usual.epochs };
    const samples = state.adapter?.software && chosen.samples === usual.samples ? { samples: FEW } : {};
    const rate = lr ?? this.planned?.set.lr;
    const set = { batch, epochs, ...samples, ...(rate === undefined ? {} : { lr: rate }) };
    this.planned = { before, set };
    this.take({ ...chosen, ...set });
  }

  /** Gives the settings back that the plan of a run has changed. */
  private leavePlan(): void {
    const { chosen } = this;
    this.planned = undefined;
    this.take(chosen);
  }

  private timeFirstStep(event: WorkerEvent): void {
    if (isFreed(event)) {
      this.firstStep = undefined;
      this.startedAt = undefined;
    } else if (event.type === 'losses' && !this.firstStep && this.startedAt !== undefined) {
      const from = this.startedAt === 0 ? 'page' : 'click';
      this.firstStep = { seconds: (performance.now() - this.startedAt) / 1000, from };
    }
  }

  /** Has the worker keep the run's images, once. */
  private keepImages(id: string): void {
    if (id === this.keptFor) return;
    this.keptFor = id;
    const tell = (problem: string | undefined) => problem && this.notify(problem);
    this.failing(this.worker.keepImages(id).then(tell));
  }

  /** Shows a notice above the view. */
  notify(notice: string): void {
    if (!this.notices.includes(notice)) this.notices = [...this.notices, notice];
    this.changed();
  }

  private receive(given: WorkerEvent): void {
    const event = this.named(given);
    const { data: dataBefore, model: modelBefore, phase } = this.state;
    const { coming } = this;
    this.state = reduce(this.state, event);
    const { data, model, resumed, planned } = patchOf(event);
    if (data) this.coming = false;
    else if (this.coming && endsReading(event, phase)) {
      // They have not come.
      this.coming = false;
      this.asked = undefined;
    }
    if (this.state.model !== modelBefore || (dataBefore && this.state.data !== dataBefore))
      this.replacements++;
    this.changedAt = performance.now();
    this.timeFirstStep(event);
    if (event.type === 'lost') rememberLoss();
    if (event.type === 'pictures' && event.pictures.grid)
      this.grids.add(event.pictures.grid.step, event.pictures.grid);
    if (isFreed(event)) this.grids.clear();
    if (event.type === 'stored') this.keepImages(event.id);
    if (event.type === 'runs') {
      this.failing(this.worker.tidyImages());
      keepNotes([this.state.id, this.goesOn, ...event.runs.map(({ id }) => id)]);
    }
    if (event.type === 'stopped') this.stopped = true;
    if (planned) this.takePlan(planned);
    // A kept run brings its settings with it: others would end it elsewhere.
    if (data && !this.state.run && !this.goesOn) this.suit(data);
    if (event.type === 'warning' && !event.run) this.notices = [...this.notices, event.message];
    else if (event.type === 'recovered') this.notices = [...this.notices, recovered(this.state, event.step)];
    if (resumed) this.takeRun(resumed);
    if (model) {
      this.useFile = true;
      // A run keeps its recipe, although the samples follow the model's.
      if (!this.state.run) this.takeFrom(this.openedFile, model.recipe);
    }
    const note = patchOf(event).note ?? resumed?.note;
    if (note) this.notices = [...this.notices, ofFile(note, this.openedFile)];
    for (const panel of this.panels) panel.receive?.(event);
    // Images that the user has given, or that other choices have made of the same pictures.
    if (data && (coming || data.pictures)) this.goOnWaiting();
    // Last: the table of runs keeps a row of the run with its own batch and rate.
    if (isFreed(event) && this.planned) this.leavePlan();
    this.changed();
  }

  /** The event, with what only the page knows. */
  private named(event: WorkerEvent): WorkerEvent {
    const { model } = patchOf(event);
    if (model)
      return { type: 'patch', patch: { ...patchOf(event), model: { ...model, name: this.openedFile } } };
    return event.type === 'problem' ? { ...event, message: orOffline(event.message) } : event;
  }

  /** Takes the settings of a run that goes on, and what was noted of it here. */
  private takeRun({ id, losses, kept, settings }: NonNullable<Patch['resumed']>): void {
    if (id) {
      const { begin } = readNotes()[id] ?? {};
      this.state = { ...this.state, begin, measured: rewound(measurementsOf(id), losses.length) };
    }
    this.goesOn = undefined;
    this.takeFrom(kept ? 'The run' : this.openedFile, settings.recipe, settings);
  }
}

/** Images that were stopped, or have given way to another task, are no failure. */
const unlessAborted = (error: { readonly name?: string }) => {
  if (error.name !== 'AbortError') throw error;
};
