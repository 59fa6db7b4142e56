/**
 * A node whose place in the log this process has: it alone writes for it, and knows what is there. The node that is
 * built in is one, and so is each that has its session here.
 */
import type { AppError } from './errors.ts';
import { ListenerObserver } from './listener-observer.ts';
import { ListenerRecovery, type RecoveryOptions } from './listener-recovery.ts';
import { ListenerSet } from './listener-set.ts';
import { Listeners, type ListenersOptions } from './listeners.ts';
import type { DataPlane, DataPlaneEvents } from './ports.ts';
import { Recorder, type RecorderOptions } from './recorder.ts';
import { RestingPorts, type RestingPortsLimits } from './resting-ports.ts';

/** What it makes by itself of the others. */
type OwnPart = 'set' | 'recorder' | 'restingPorts' | 'listeners' | 'observer' | 'dataPlane';

export interface HeldNodeOptions
  extends Omit<RecoveryOptions & ListenersOptions, OwnPart | 'limits'> {
  readonly limits: ListenersOptions['limits'] & RestingPortsLimits;
  readonly onFatal: (error: unknown) => void;
  readonly onStray?: RecorderOptions['onStray'];
}

export class HeldNode {
  readonly nodeId: string;
  readonly set = new ListenerSet();
  readonly recorder: Recorder;
  readonly observer: ListenerObserver;
  readonly restingPorts: RestingPorts;
  readonly #options: HeldNodeOptions;
  #serving: {
    readonly dataPlane: DataPlane;
    readonly listeners: Listeners;
    readonly recovery: ListenerRecovery;
  } | null = null;

  constructor(options: HeldNodeOptions) {
    const { nodeId, eventLog: log } = options;
    this.nodeId = nodeId;
    this.#options = options;
    this.restingPorts = new RestingPorts(options);
    this.recorder = new Recorder({ ...options, log });
    const { set, recorder, restingPorts } = this;
    this.observer = new ListenerObserver({ ...options, set, recorder, restingPorts });
  }

  /** Where its data plane tells what happened. */
  get events(): DataPlaneEvents {
    const { recorder, observer } = this;
    const { onFatal } = this.#options;
    return {
      onRecords: (...report) => recorder.record(...report),
      onWorkerLost: (workerId) => void recorder.workerLost(workerId).catch(onFatal),
      onObserved: (observed) => observer.observe(observed),
    };
  }

  /** Told once, before anything is asked of it. */
  serve(dataPlane: DataPlane): void {
    const { set, recorder, observer, restingPorts } = this;
    const options = { ...this.#options, set, recorder, dataPlane, restingPorts };
    const listeners = new Listeners(options);
    const recovery = new ListenerRecovery({ ...options, listeners, observer });
    this.#serving = { dataPlane, listeners, recovery };
  }

  get dataPlane(): DataPlane {
    return this.#served.dataPlane;
  }

  get listeners(): Listeners {
    return this.#served.listeners;
  }

  get recovery(): ListenerRecovery {
    return this.#served.recovery;
  }

  get #served() {
    if (this.#serving === null) throw new TypeError('a node serves over a data plane');
    return this.#serving;
  }

  get isRemote(): boolean {
    return this.#options.isRemote ?? false;
  }

  /** Closes all that is on record as being here. @throws unavailable */
  async letGo(): Promise<void> {
    const { listeners, recovery } = this.#served;
    const entries = await recovery.readListeners();
    await recovery.closeInterrupted();
    for (const { listener } of entries) await listeners.close(null, listener.id, 0);
  }

  /** Its place is another's: nothing here does anything for it any more. */
  end(why: AppError): void {
    this.set.end(why);
  }
}
