/** The foot of every page: the window of the log, and the playhead in it, moved by event, by drag and by play. */

import type { EventView } from '../http/resources.ts';
import { useConsole } from './console-context.ts';
import { addressText } from './facts.ts';
import type { Speed } from './playhead.ts';

const speeds: readonly Speed[] = [1, 10, 'all'];
/** Places of the curve. */
const curveCount = 160;

export function TimeBar() {
  const { api, caller, playhead, state, timeline, words } = useConsole();
  const { seq, event } = state.value;
  const { firstSeq, headSeq, events } = timeline.value;
  const isEmpty = events.length === 0;
  const { timeBar } = words;
  const seqMin = Math.max(0, firstSeq - 1);
  return (
    <footer class="time-bar">
      {isEmpty ? (
        !api.isKeyWanted.value &&
        !caller.lacks('events:read') && <p class="faint">{timeBar.empty}</p>
      ) : (
        <>
          <div class="track">
            <span class="number">{words.count(firstSeq)}</span>
            <div class="rail">
              <Curve />
              <input
                type="range"
                min={seqMin}
                max={headSeq}
                value={seq}
                aria-label={timeBar.place}
                aria-valuetext={timeBar.placeText(seq, headSeq)}
                title={timeBar.counters}
                onInput={(input) => playhead.goTo(Number(input.currentTarget.value))}
              />
            </div>
            <span class="number">{words.count(headSeq)}</span>
          </div>
          <div class="controls">
            <div class="buttons">
              <Step label={timeBar.toStart} icon="start" onClick={() => playhead.goTo(seqMin)} />
              <Step label={timeBar.back} icon="back" onClick={() => playhead.step(-1)} />
              <Step label={timeBar.forward} icon="forward" onClick={() => playhead.step(1)} />
              <button
                type="button"
                disabled={playhead.seq.value === null}
                onClick={() => playhead.goLive()}
              >
                <Icon name="live" />
                {timeBar.toLive}
              </button>
            </div>
            <PlayButtons />
            {event !== null && <EventText event={event} />}
          </div>
        </>
      )}
    </footer>
  );
}

const icons = {
  start: 'M3 3v10M13 3v10L5 8z',
  back: 'M12 3v10L4 8z',
  forward: 'M4 3v10l8-5z',
  live: 'M13 3v10M3 3v10l8-5z',
} as const;

/** Drawn, since few fonts have these signs. */
function Icon({ name }: { readonly name: keyof typeof icons }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
      <path d={icons[name]} />
    </svg>
  );
}

interface StepProps {
  readonly label: string;
  readonly icon: keyof typeof icons;
  readonly onClick: () => void;
}

function Step({ label, icon, onClick }: StepProps) {
  return (
    <button type="button" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}

function PlayButtons() {
  const { playhead, words } = useConsole();
  const { timeBar } = words;
  const playing = playhead.speed.value;
  return (
    <fieldset class="buttons">
      <legend>{playing === null ? timeBar.play : timeBar.stop}</legend>
      {speeds.map((speed) => (
        <button
          key={speed}
          type="button"
          aria-pressed={playing === speed}
          aria-label={`${timeBar.speeds[speed]}: ${timeBar.play}, ${timeBar.speedNames[speed]}`}
          onClick={() => (playing === speed ? playhead.stop() : playhead.play(speed))}
        >
          {timeBar.speeds[speed]}
        </button>
      ))}
    </fieldset>
  );
}

function EventText({ event }: { readonly event: EventView }) {
  const { words } = useConsole();
  const { connection, listener, refusal } = event;
  const address = (connection ?? refusal)?.raddr ?? listener?.laddr;
  return (
    <p class="event">
      <span class="faint">#{event.seq}</span> {words.event[event.type] ?? event.type}
      {address && <span class="mono"> {addressText(address)}</span>}{' '}
      <time class="faint" dateTime={event.time}>
        {event.time.slice(11, 23)}
        <span class="where-wide"> UTC</span>
      </time>
    </p>
  );
}

/** How many were open, along the window. */
function Curve() {
  const { timeline, words } = useConsole();
  const counts = timeline.value.openCounts(curveCount);
  const most = Math.max(1, ...counts);
  const points = counts.map((count, at) => `${at},${(1 - count / most) * 28 + 2}`);
  const edge = points.join(' L');
  const last = curveCount - 1;
  return (
    <svg class="curve" viewBox={`0 0 ${last} 30`} preserveAspectRatio="none" aria-hidden="true">
      <title>{words.timeBar.open}</title>
      <path class="under" d={`M0,30 L${edge} L${last},30 Z`} />
      <path class="edge" d={`M${edge}`} />
    </svg>
  );
}
