/** Lists and records whose cost is not their author's to choose. */
import { z } from 'zod';

/** So many faults of a list are told; what comes after them is not read. */
const issuesMax = 20;

/** At most so many: a longer list is refused before the first of them is read. */
export function list<Item extends z.ZodType>(item: Item, itemsMax: number): z.ZodArray<Item> {
  const definition = { type: 'array', element: item, itemsMax } as const;
  // Nor does anything else look at what is too long.
  return new BoundedArray(definition).max(itemsMax, {
    abort: true,
  }) as z.ZodType as z.ZodArray<Item>;
}

interface BoundedArrayType extends z.ZodArray {
  readonly _zod: z.ZodArray['_zod'] & {
    readonly def: z.core.$ZodArrayDef & { readonly itemsMax: number };
  };
}

/** zod's own array reads all of a list, however long and however wrong, before it counts. */
const BoundedArray = z.core.$constructor<BoundedArrayType>('BoundedArray', (array, definition) => {
  z.ZodArray.init(array, definition);
  const { element, itemsMax } = definition;
  const refuse = array._zod.parse;
  array._zod.parse = (payload, context) => {
    const given: unknown = payload.value;
    if (!Array.isArray(given)) return refuse(payload, context);
    // The check of its length comes next, and refuses it.
    if (given.length > itemsMax) return payload;
    const items: unknown[] = [];
    for (const [index, value] of given.entries()) {
      const read = element._zod.run({ value, issues: [] }, context);
      if (read instanceof Promise) throw new z.core.$ZodAsyncError();
      payload.issues.push(...z.core.util.prefixIssues(index, read.issues));
      if (payload.issues.length >= issuesMax) break;
      items.push(read.value);
    }
    payload.value = items;
    return payload;
  };
});

/** At most so many: a larger record is refused before the first of its keys is read. */
export function record<Key extends z.ZodString, Value extends z.ZodType>(
  keyType: Key,
  valueType: Value,
  itemsMax: number,
): z.ZodRecord<Key, Value> {
  const definition = { type: 'record', keyType, valueType, itemsMax } as const;
  return new BoundedRecord(definition) as z.ZodType as z.ZodRecord<Key, Value>;
}

interface BoundedRecordType extends z.ZodRecord {
  readonly _zod: z.ZodRecord['_zod'] & {
    readonly def: z.core.$ZodRecordDef & { readonly itemsMax: number };
  };
}

const BoundedRecord = z.core.$constructor<BoundedRecordType>(
  'BoundedRecord',
  (bounded, definition) => {
    z.ZodRecord.init(bounded, definition);
    const { itemsMax } = definition;
    const readAll = bounded._zod.parse;
    bounded._zod.parse = (payload, context) => {
      const given: unknown = payload.value;
      const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
      if (!isObject || Object.keys(given).length <= itemsMax) return readAll(payload, context);
      const message = `holds at most ${itemsMax}`;
      payload.issues.push({ code: 'custom', input: given, inst: bounded, message });
      return payload;
    };
  },
);
