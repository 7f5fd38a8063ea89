/** Faults in the page: its doors, the links that lead on, the plan of a run, what is done twice, own pictures. */
import { driven, type Mutants, node, unit } from './mutant';

const DOORS = 'harness/page/shell/doors.ts';
const PLAN = 'harness/page/train/plan.ts';
const PLANNING = 'harness/page/worker/planning.ts';
const RULES = 'harness/run/plan.ts';
const doors = unit('page/doors');
const plan = unit('page/plan');
const rules = unit('harness/plan');
const twice = driven('page/driven/again', 'an address that is shared');
const ownPictures = (title: string) => driven('page/driven/own_pictures', title);
const FILES = 'harness/page/worker/files.ts';
const FILE_INPUT = 'harness/page/shell/file_input.ts';
const APP = 'harness/page/shell/app.ts';
const FINE_TUNE = 'harness/page/messages/fine_tune.ts';
const fineTune = unit('page/fine_tune');
const NEAREST = 'harness/pictures/nearest.ts';
const TRAIN_PLAN = 'harness/cli/train_plan.ts';
const LIVE_PICTURES = 'harness/page/worker/live_pictures.ts';
const KEPT_IMAGES = 'harness/page/worker/kept_images.ts';
const keptImages = unit('page/kept_images');

export const page: Mutants = {
  doors: {
    'a view is behind no door': {
      file: DOORS,
      text: "learn: ['explain', 'inside'],",
      becomes: "learn: ['explain'],",
      caughtBy: unit('page/settings'),
    },
    'a parameter is not written into the address': {
      file: 'harness/page/messages/settings.ts',
      text: ".filter((key) => (key === 'recipe'",
      becomes: ".filter((key) => key !== 'minutes' && (key === 'recipe'",
      caughtBy: unit('page/settings'),
    },
    'a door forgets the view that was last open behind it': {
      file: DOORS,
      text: 'if (task) last[doorOf(task)] = task;',
      becomes: '',
      caughtBy: doors,
    },
    'a view that is drawn anew takes the focus': {
      file: DOORS,
      text: 'const changes = task !== shown;',
      becomes: 'const changes = true;',
      caughtBy: doors,
    },
    'the focus stays on the link of a view that is left': {
      file: DOORS,
      text: 'if (task && changes && nav.contains(focused)',
      becomes: 'if (task && !changes && nav.contains(focused)',
      caughtBy: doors,
    },
    'a view opens in place where another key asks for another window': {
      file: DOORS,
      text: 'event.ctrlKey || event.metaKey ||',
      becomes: 'event.ctrlKey ||',
      caughtBy: doors,
    },
    'the first digits lead to another scene': {
      file: 'harness/page/make/make.html',
      text: 'href="?scene=3&amp;task=explain"',
      becomes: 'href="?scene=2&amp;task=explain"',
      caughtBy: doors,
    },
    'the end of a run leads to the pretrained network': {
      file: 'harness/page/train/train.html',
      text: 'id="train-play" href="?model=run&amp;',
      becomes: 'id="train-play" href="?model=pretrained&amp;',
      caughtBy: doors,
    },
    'a lead opens its view before its settings are set': {
      file: DOORS,
      text: 'of new URLSearchParams(link.search)) set(',
      becomes: 'of [...new URLSearchParams(link.search)].toReversed()) set(',
      caughtBy: doors,
    },
    'a lead is followed in another tab, and here too': {
      file: DOORS,
      text: 'if (!link || !staysHere(event)) return;',
      becomes: 'if (!link) return;',
      caughtBy: doors,
    },
  },
  'a run and its network': {
    'a run of grey pictures is sampled as another network': {
      file: 'harness/page/worker/place.ts',
      text: '        sampling: this.samplingOf(settings.recipe, network, began),\n',
      becomes: '',
      caughtBy: unit('page/host'),
    },
    'the recipe pictures shows nothing before its run': {
      file: 'harness/page/messages/pretrained.ts',
      text: "recipe === 'tutorial' ? recipe : 'digits'",
      becomes: "recipe === 'digits-3x3' ? 'digits' : (recipe as 'digits')",
      caughtBy: unit('page/state'),
    },
    'a run whose time is up leads nowhere': {
      file: 'harness/page/shell/state.ts',
      text: "(state.phase === 'paused' && state.measured.timeUp)",
      becomes: 'false',
      caughtBy: unit('page/state'),
    },
    'a gradient that is not known yet is shown as zeros': {
      file: 'harness/page/worker/inside.ts',
      text: 'some((norm) => norm > 0)',
      becomes: 'some((norm) => norm >= 0)',
      caughtBy: unit('page/inside'),
    },
    'a small set’s run takes over after an epoch': {
      file: 'harness/page/shell/state.ts',
      text: 'state.run ? endOf(state, epochs) : Number',
      becomes: 'state.run ? state.run.stepsPerEpoch : Number',
      caughtBy: unit('page/state'),
    },
    'a run that began trained stays behind': {
      file: 'harness/page/shell/state.ts',
      text: "if (state.begin === 'pretrained') return 1;",
      becomes: '',
      caughtBy: unit('page/state'),
    },
    'a run whose time is up does not explain itself': {
      file: 'harness/page/shell/state.ts',
      text: ' && !hasEnded(state, settings.epochs)',
      becomes: '',
      caughtBy: unit('page/state'),
    },
    'a recorded digit stands for a network in colour': {
      file: 'harness/page/explain/sampling_scene.ts',
      text: '(network.isOfDigits ? this.recorded() : undefined)',
      becomes: 'this.recorded()',
      caughtBy: driven('page/driven/explain', 'a run in colour explains'),
    },
    'a late answer of another network stands under this one’s name': {
      file: 'harness/page/explain/scene.ts',
      text: 'answer && this.networkOf(question) === this.network',
      becomes: 'answer',
      caughtBy: driven('page/driven/make', 'a coloured network is shown'),
    },
    'names of classes are cut in keys as wide as a digit': {
      file: 'harness/page/explain/parts.ts',
      text: '(name) => name.length > 3',
      becomes: '(name) => name.length > 30',
      caughtBy: driven('page/driven/explain', 'a run in colour explains'),
    },
    'classes of clothes are called digits': {
      file: 'harness/page/shell/state.ts',
      text: 'areNumbers(of) && data === DIGITS',
      becomes: 'areNumbers(of)',
      caughtBy: unit('page/state'),
    },
    'a file of letters is named after the digits': {
      file: 'harness/page/messages/file_names.ts',
      text: 'data === undefined || data === DIGITS',
      becomes: 'data !== undefined',
      caughtBy: unit('page/make_files'),
    },
  },
  hand: {
    'images under the hand are kept without end': {
      file: 'harness/page/make/following.ts',
      text: 'if (this.made.size <= MOST_MADE) break;',
      becomes: 'if (this.made.size > 0) break;',
      caughtBy: unit('page/hand'),
    },
  },
  'pictures of a run': {
    'the last step shows its prediction': {
      file: LIVE_PICTURES,
      text: 'step + 1 === steps ? x : prediction',
      becomes: 'prediction',
      caughtBy: unit('page/live_pictures'),
    },
    'of equal pixels that were pooled the last is shown': {
      file: 'harness/page/inside/pixel.ts',
      text: 'valueAt(place) > valueAt(most)',
      becomes: 'valueAt(place) >= valueAt(most)',
      caughtBy: unit('page/inside'),
    },
  },
  'done twice': {
    'what was asked for before a lost device is done after it': {
      file: 'harness/page/worker/host.ts',
      text: 'this.session.tasks.drop();',
      becomes: '',
      caughtBy: unit('page/host'),
    },
    'a step that was measured before a reset is not measured': {
      file: 'harness/page/worker/measures.ts',
      text: 'Object.assign(this.last, { heldOut: -1, quality: -1, nearest: -1 });',
      becomes: '',
      caughtBy: unit('page/live_measures'),
    },
    'another number of samples is not made': {
      file: LIVE_PICTURES,
      text: 'if (old?.count === count && old.unet === unet)',
      becomes: 'if (old?.unet === unet)',
      caughtBy: unit('page/live_pictures'),
    },
    'the sampler of the network before is used': {
      file: LIVE_PICTURES,
      text: 'if (old?.count === count && old.unet === unet)',
      becomes: 'if (old?.count === count)',
      caughtBy: unit('page/live_pictures'),
    },
    'the page asks whether to leave a run that is saved': {
      file: APP,
      text: 'Math.max(saved, stored)',
      becomes: 'stored',
      caughtBy: driven('page/driven/again', 'a file that cannot be read'),
    },
    'the right button moves the handle of the field': {
      file: 'harness/page/make/noise_hand.ts',
      text: 'if (event.button !== 0) return;',
      becomes: '',
      caughtBy: driven('page/driven/hand', 'in the field the digits follow'),
    },
    'who closes the share menu gets a copy': {
      file: 'harness/page/make/share.ts',
      text: "if ((error as Error).name === 'AbortError') return '';",
      becomes: 'void error;',
      caughtBy: twice,
    },
    'an address is said to be copied beside other images': {
      file: 'harness/page/make/share.ts',
      text: '    of = now();\n',
      becomes: '',
      caughtBy: twice,
    },
    'a file cannot be chosen twice': {
      file: FILE_INPUT,
      text: "      input.value = '';\n",
      becomes: '',
      caughtBy: twice,
    },
    'a folder without files is taken in silence': {
      file: FILE_INPUT,
      text: "else app.complain('The folder holds no files.');",
      becomes: '',
      caughtBy: driven('page/driven/newcomer', 'a folder without files'),
    },
    'the veil stays when files leave the page': {
      file: FILE_INPUT,
      text: 'if (event.relatedTarget === null) veil.hidden = true;',
      becomes: '',
      caughtBy: twice,
    },
    'after a lost device the network of before is used': {
      file: 'harness/page/worker/models.ts',
      text: 'of [...this.pretrained.values(), this.file]) {',
      becomes: 'of [this.file]) {',
      caughtBy: driven('page/driven/again', 'images are made again after the device was lost'),
    },
    'a press after the device was lost comes to nothing': {
      file: 'harness/page/welcome/home.ts',
      text: "'training', 'lost'].includes(phase);",
      becomes: "'training'].includes(phase);",
      caughtBy: driven('page/driven/again', 'images are made again after the device was lost'),
    },
    'a start that failed leaves its button disabled': {
      file: 'harness/page/welcome/home.ts',
      text: "      } else if (event.type === 'error') making = false;",
      becomes: '      }',
      caughtBy: driven('page/driven/again', 'where no GPU is found'),
    },
    'what a press could not start is said for ever': {
      file: 'harness/page/shell/state.ts',
      text: 'error: over ? undefined : state.error,',
      becomes: 'error: state.error,',
      caughtBy: driven('page/driven/again', 'a press that cannot start'),
    },
    'Stop is not heard': {
      file: 'harness/page/worker/host.ts',
      text: "this.session.tasks.interrupt('sampling'),",
      becomes: "this.session.tasks.interrupt('pictures'),",
      caughtBy: driven('page/driven/again', 'what is stopped'),
    },
    'Cancel does not end the reading of pictures': {
      file: FILES,
      text: '    this.reading?.abort();\n',
      becomes: '',
      caughtBy: driven('page/driven/again', 'the reading of pictures'),
    },
    'a press on Train while the page starts is lost': {
      file: 'harness/page/train/train_panel.ts',
      text: "const waits = state.phase === 'starting' && !app.asked;",
      becomes: 'const waits = false;',
      caughtBy: driven('page/driven/newcomer', 'a press on train'),
    },
    'pictures that fit are said to be cut': {
      file: 'harness/page/train/train_data.ts',
      text: 'hidden = cut === 0 || isFixed(state);',
      becomes: 'hidden = isFixed(state);',
      caughtBy: driven('page/driven/newcomer', 'pictures that are cut'),
    },
    'a letter is kept as a digit': {
      file: 'harness/page/draw/teach.ts',
      text: "setDisabled(button('teach-keep'), !isDigit);",
      becomes: "setDisabled(button('teach-keep'), !drawn);",
      caughtBy: driven('page/driven/newcomer', 'Draw calls the classes'),
    },
    'Inside shows an empty frame': {
      file: 'harness/page/inside/inside.css',
      text: '.step-bar, .net-frame, .net-key)',
      becomes: '.step-bar, .net-key)',
      caughtBy: driven('page/driven/newcomer', 'Inside says why'),
    },
    'a door stands in a row by itself': {
      file: 'harness/page/shell/style.css',
      text: '@media (max-width: 42rem) {\n  .top {',
      becomes: '@media (max-width: 30rem) {\n  .top {',
      caughtBy: driven('page/driven/newcomer', 'at 200 %'),
    },
    'a press while the page starts is lost': {
      file: 'harness/page/make/sample_panel.ts',
      text: "['starting', 'loading'].includes(app.state.phase) && !app.asked",
      becomes: 'false',
      caughtBy: driven('page/driven/newcomer', 'a press on sample'),
    },
  },
  'own pictures': {
    'a kept run forgets what becomes of pictures': {
      file: APP,
      text: 'if (run && !comesAlong(run)) this.take(',
      becomes: 'if (run && comesAlong(run)) this.take(',
      caughtBy: ownPictures('a kept run goes on without the files'),
    },
    'a kept run that goes on is offered beside itself': {
      file: 'harness/page/shell/state.ts',
      text: 'kept: state.kept.filter(({ id }) => id !== event.id),',
      becomes: '',
      caughtBy: unit('page/state'),
    },
    'a kept run that waits for its images stays locked': {
      file: FILES,
      text: 'if (!core.run) void core.stored.end()',
      becomes: 'if (core.run) void core.stored.end()',
      caughtBy: ownPictures('a kept run goes on without the files'),
    },
    'why a run on transparent pictures does not go on is not said': {
      file: FILES,
      text: 'isDataOf(checkpoint, this.place.images, false)) return not;',
      becomes: 'isDataOf(checkpoint, this.place.images)) return not;',
      caughtBy: ownPictures('a kept run goes on without the files'),
    },
    'earlier versions are blamed where no picture is transparent': {
      file: FILES,
      text: 'if (!this.clear || !isDataOf(',
      becomes: 'if (!isDataOf(',
      caughtBy: ownPictures('a kept run goes on without the files'),
    },
    'a full disk is not told': {
      file: APP,
      text: 'if (problem) this.notify(problem);',
      becomes: 'void problem;',
      caughtBy: ownPictures('without room for the images'),
    },
    'a full disk is told with each copy': {
      file: APP,
      text: '    if (id === this.keptFor) return;\n',
      becomes: '',
      caughtBy: ownPictures('without room for the images'),
    },
    'images are not kept with their run': {
      file: APP,
      text: "if (event.type === 'stored') this.keepImages(event.id);",
      becomes: '',
      caughtBy: ownPictures('a kept run goes on without the files'),
    },
    'images stay when their run is deleted': {
      file: APP,
      text: "if (event.type === 'runs') this.request('tidyImages');",
      becomes: '',
      caughtBy: ownPictures('a kept run goes on without the files'),
    },
    'the page reads PNG by its canvas': {
      file: 'harness/page/worker/run_images.ts',
      text: 'if (isPng(bytes)) {',
      becomes: 'if (bytes.length === 0) {',
      caughtBy: ownPictures('transparent pictures are the same bytes'),
    },
    'damaged images are taken': {
      file: KEPT_IMAGES,
      text: '    assertSameData(about, fingerprintImages(set));\n',
      becomes: '',
      caughtBy: keptImages,
    },
    'all images may be as large as those of a run': {
      file: KEPT_IMAGES,
      text: 'ofAll: 100e6',
      becomes: 'ofAll: 1e9',
      caughtBy: keptImages,
    },
    'a part of the images stays on a full disk': {
      file: KEPT_IMAGES,
      text: '      await folder.removeEntry(id).catch(() => {});\n      throw error;',
      becomes: '      throw error;',
      caughtBy: keptImages,
    },
    'images of runs that are gone count': {
      file: KEPT_IMAGES,
      text: '    await this.tidy();\n',
      becomes: '',
      caughtBy: keptImages,
    },
  },
  'a look inside': {
    'its predictor outlives its network': {
      file: 'harness/page/worker/views.ts',
      text: '    this.inside.free(unet);\n',
      becomes: '',
      caughtBy: node('node/page_views'),
    },
    'the second four maps have the lines of the first': {
      file: 'harness/page/inside/pixel.ts',
      text: "[map % 8 < 4 ? 'u' : 'v', map % 4]",
      becomes: "['u', map % 4]",
      caughtBy: unit('page/inside'),
    },
  },
  planner: {
    'pictures of one size keep it on any adapter': {
      file: 'harness/pictures/small_pictures.ts',
      text: '(side === OWN_SIZE || Math.max(own.width, own.height) <= USUAL_SIDE)',
      becomes: 'true',
      caughtBy: unit('harness/own_images'),
    },
    'a kept run forgets that its pictures had their own size': {
      file: 'harness/page/messages/settings.ts',
      text: 'isOpen && (isLarge || ',
      becomes: 'isOpen && (',
      caughtBy: unit('page/settings'),
    },
    'a run of the command line forgets the size of its pictures': {
      file: TRAIN_PLAN,
      text: 'before.size ?? (checkpoint && sizeAgain(checkpoint.data))',
      becomes: 'before.size',
      caughtBy: node('node/train_plan', 'half as long again'),
    },
    'Train it yourself sets the batch': {
      file: 'harness/page/welcome/home.ts',
      text: '    app.asked = undefined;\n',
      becomes: "    app.asked = undefined;\n    if (app.state.adapter?.software) app.set('batch', '64');\n",
      caughtBy: plan,
    },
    'the time of the first step counts': {
      file: RULES,
      text: 'if (step < 2 || this.areOver)',
      becomes: 'if (step < 1 || this.areOver)',
      caughtBy: rules,
    },
    'the second time counts the first': {
      file: RULES,
      text: '    this.since = { at: now, step };\n    return',
      becomes: '    return',
      caughtBy: rules,
    },
    'a plan moves after half of its steps': {
      file: RULES,
      text: '2 * done >= steps;',
      becomes: 'done >= steps;',
      caughtBy: rules,
    },
    'a plan moves to where half of it is over': {
      file: RULES,
      text: 'planWith(order, batch, 2 * done, speed)',
      becomes: 'planWith(order, batch, done, speed)',
      caughtBy: rules,
    },
    'the warm-up of a plan is that of 5,120 images': {
      file: RULES,
      text: 'Math.max(1, Math.round(steps / 10))',
      becomes: 'Math.min(steps - 1, 320)',
      caughtBy: rules,
    },
    'a plan averages as its recipe': {
      file: RULES,
      text: 'clipNorm: 1, ...AVERAGE, schedule',
      becomes: 'clipNorm: 1, schedule',
      caughtBy: rules,
    },
    'a fast adapter has no end for five seconds': {
      file: RULES,
      text: '4 * step >= plan.most',
      becomes: 'false',
      caughtBy: rules,
    },
    'a plan that does not fit ends by time': {
      file: RULES,
      text: 'fits && !Number.isNaN(seconds) ?',
      becomes: '!Number.isNaN(seconds) ?',
      caughtBy: rules,
    },
    'further steps warm up over a tenth of all': {
      file: RULES,
      text: 'Math.round((end - done) / 10)',
      becomes: 'Math.round(end / 10)',
      caughtBy: rules,
    },
    'the command line plans the digits that come along': {
      file: TRAIN_PLAN,
      text: "source !== 'mnist') ?? false",
      becomes: "source !== '') ?? true",
      caughtBy: unit('harness/train_plan'),
    },
    'minutes stand beside a length': {
      file: TRAIN_PLAN,
      text: 'given.minutes !== undefined && set.length > 0',
      becomes: 'given.minutes !== undefined && set.length > 9',
      caughtBy: unit('harness/train_plan'),
    },
    'more epochs of a planned run keep its schedule': {
      file: TRAIN_PLAN,
      text: '  run.adjust({ ...endingAt(',
      becomes: '  if (Number.isNaN(run.end)) run.adjust({ ...endingAt(',
      caughtBy: node('node/train_plan', 'are planned'),
    },
    'run.json has no step of a change': {
      file: 'src/worker/run.ts',
      text: 'this.noteChanges(this.losses.length);',
      becomes: '',
      caughtBy: node('node/train_plan', 'are planned'),
    },
    'the command line moves the end, but not the schedule': {
      file: 'harness/cli/training.ts',
      text: 'epochs, schedule: scheduleOf(maxSteps) }',
      becomes: 'epochs }',
      caughtBy: node('node/train_plan', 'are planned'),
    },
    'a planned run of the command line has no limit': {
      file: 'harness/cli/training.ts',
      text: 'while (losses.length < this.steps && !this.timeUp)',
      becomes: 'while (losses.length < this.steps)',
      caughtBy: node('node/train_plan', 'half as long again'),
    },
    'the end follows the speed, the schedule does not': {
      file: PLANNING,
      text: '{ maxSteps: next.steps!, schedule: scheduleOf(next.steps) }',
      becomes: '{ maxSteps: next.steps! }',
      caughtBy: plan,
    },
    'an interruption is a pause': {
      file: PLANNING,
      text: 'if (!on && !this.place.core.wanted)',
      becomes: 'if (!on)',
      caughtBy: plan,
    },
    'the tutorial gets the schedule of a plan': {
      file: PLANNING,
      text: "run.objective === 'flow' ?",
      becomes: "run.objective !== 'none' ?",
      caughtBy: plan,
    },
    'a run that goes on is planned': {
      file: PLANNING,
      text: 'this.take(isPlanned(training) ? plan : undefined);',
      becomes: 'this.take(plan, { isOpen: true });',
      caughtBy: plan,
    },
    'a speed is that of all widths': {
      file: PLAN,
      text: '...levelsOf(network, settings.widths), ',
      becomes: '',
      caughtBy: plan,
    },
    'what a plan sets is in the address': {
      file: 'harness/page/shell/app.ts',
      text: 'addressOf(this.chosen);',
      becomes: 'addressOf(settings);',
      caughtBy: unit('page/app'),
    },
    'a plan outlives its run': {
      file: 'harness/page/shell/app.ts',
      text: "if (event.type === 'freed' && this.planned) this.leavePlan();",
      becomes: '',
      caughtBy: unit('page/app'),
    },
    'a planned run is complete by its epochs': {
      file: 'harness/page/shell/state.ts',
      text: 'return planned ? (planned.plan.steps ?? Number.POSITIVE_INFINITY) : run.stepsPerEpoch * epochs;',
      becomes: 'return run.stepsPerEpoch * epochs;',
      caughtBy: unit('page/state'),
    },
    'new samples wait for a tenth of the time': {
      file: 'harness/page/worker/clocks.ts',
      text: 'everyMs: 10_000',
      becomes: 'everyMs: 100_000',
      caughtBy: unit('page/live_measures'),
    },
  },
  'pictures like yours': {
    'coloured pictures begin with new weights': {
      file: FINE_TUNE,
      text: "whyNew(settings, images) === undefined ? 'pretrained' : 'new'",
      becomes: "whyNew(settings, images) === undefined ? 'new' : 'new'",
      caughtBy: fineTune,
    },
    'the network of icons is trained at the rate of new weights': {
      file: FINE_TUNE,
      text: 'lr === initialOf(recipe).lr ? RATE_OF_PICTURES : lr',
      becomes: 'lr',
      caughtBy: fineTune,
    },
    'grey pictures keep the recipe of the coloured ones before them': {
      file: APP,
      text: 'this.take(withRecipe(settings, recipeBefore));',
      becomes: '',
      caughtBy: unit('page/app'),
    },
    'a recipe that the user has chosen gives way to coloured pictures': {
      file: APP,
      text: 'if (isSuited && settings.recipe === initialSettings.recipe) {',
      becomes: 'if (isSuited) {',
      caughtBy: unit('page/app'),
    },
    'every live sample is polished': {
      file: LIVE_PICTURES,
      text: 'const polish = isLast ? network.unet.sampling?.polish : false;',
      becomes: 'const polish = network.unet.sampling?.polish;',
      caughtBy: unit('page/live_pictures'),
    },
    'a polish is the last step again': {
      file: LIVE_PICTURES,
      text: 'const all = steps + Number(network.unet.sampling?.polish !== undefined);',
      becomes: 'const all = steps;',
      caughtBy: unit('page/live_pictures'),
    },
    'a mirror image is the picture': {
      file: 'harness/pictures/small_pictures.ts',
      text: 'const from = (pixel - x + (width - 1 - x)) * channels;',
      becomes: 'const from = pixel * channels;',
      caughtBy: unit('harness/own_images'),
    },
    'mirror images have the labels of others': {
      file: 'harness/pictures/small_pictures.ts',
      text: '(_, i) => labels[i >> 1]',
      becomes: '(_, i) => labels[i % count]',
      caughtBy: unit('harness/own_images'),
    },
    'a picture is its own neighbour': {
      file: NEAREST,
      text: 'if (sum >= least || (isOther && sum === 0)) continue;',
      becomes: 'if (sum >= least) continue;',
      caughtBy: unit('harness/nearest'),
    },
    'a smoothed pixel sees the next row': {
      file: NEAREST,
      text: 'column <= Math.min(width - 1, x + 1)',
      becomes: 'column <= x + 1',
      caughtBy: unit('harness/nearest'),
    },
    'half of the samples are near': {
      file: NEAREST,
      text: 'const NEAR = 0.05;',
      becomes: 'const NEAR = 0.9;',
      caughtBy: unit('harness/nearest'),
    },
    'a held-out loss that rises at once is one that has risen': {
      file: 'harness/page/messages/measurements.ts',
      text: 'return isLong && last.loss',
      becomes: 'return last.loss',
      caughtBy: unit('page/live_measures'),
    },
    'the command line begins with new weights': {
      file: TRAIN_PLAN,
      text: "const isUsual = begin === undefined && isOpen && recipe === 'pictures';",
      becomes: 'const isUsual = false;',
      caughtBy: unit('harness/train_plan'),
    },
    'the command line begins so where nothing is planned': {
      file: TRAIN_PLAN,
      text: 'beginningOf(given, wanted, plans && isOwn)',
      becomes: 'beginningOf(given, wanted, isOwn)',
      caughtBy: unit('harness/train_plan'),
    },
    'a run begins with a table of classes that is always the same': {
      file: 'src/worker/run.ts',
      text: 'sampling: sampling ?? network.sampling }, seed);',
      becomes: 'sampling: sampling ?? network.sampling }, 0);',
      caughtBy: node('gpu/pretrained'),
    },
  },
};
