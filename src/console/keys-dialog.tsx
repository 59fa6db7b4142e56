/** The list of the keys, and the switch that turns them off. */
import { useConsole } from './console-context.ts';
import { Dialog } from './dialog.tsx';
import { useKeys } from './use-keys.ts';

export function KeysDialog() {
  const { keyboard, words } = useConsole();
  const show = (isListed: boolean) => {
    keyboard.isListed.value = isListed;
  };
  useKeys({ '?': () => show(true) });
  if (!keyboard.isListed.value) return null;
  return (
    <Dialog title={words.keys.title} onClose={() => show(false)}>
      <dl class="keys">
        {Object.entries(words.keys.names).map(([keys, name]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{name}</dd>
          </div>
        ))}
      </dl>
      <label class="switch">
        <input
          type="checkbox"
          checked={keyboard.isOn.value}
          onChange={(event) => keyboard.turn(event.currentTarget.checked)}
        />
        {words.keys.off}
      </label>
      <p class="actions">
        <button type="button" class="main" onClick={() => show(false)}>
          {words.keys.close}
        </button>
      </p>
    </Dialog>
  );
}
