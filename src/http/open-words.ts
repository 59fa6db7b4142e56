/** Of the words of an answer, of which a later version may have more. */
export const openWords = 'Words may be added: take one that is not known.';
