/** The numbers of the sentences that a row proves. */
export function Badges({ numbers }: { readonly numbers: readonly number[] | undefined }) {
  if (numbers === undefined) return null;
  return (
    <span class="badges" aria-hidden="true">
      {numbers.map((number) => (
        <span key={number} class="badge">
          {number}
        </span>
      ))}
    </span>
  );
}
