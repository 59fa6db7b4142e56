/** A log that nobody reads. */
const nothing = () => undefined;

export const quietLog = { debug: nothing, info: nothing, warn: nothing, error: nothing };
