import type { Scalar } from "./condition.ts";

/** Which element of which of the event's arrays a field is in, by the array's number. */
export type Membership = ReadonlyMap<number, number>;

export type Field = { value: Scalar; membership: Membership };

/** Fields of one path in one array, by the index of the element that they are in. */
export type FieldsInArray = { byIndex: Map<number, Field[]>; count: number };

/** The event's fields of one path, and the same by their array. */
export type FieldsOfPath = { all: Field[]; byArray: Map<number, FieldsInArray> };

export type EventFields = ReadonlyMap<string, FieldsOfPath>;

function gather(fields: Map<string, FieldsOfPath>, path: string, field: Field): void {
  let ofPath = fields.get(path);
  if (ofPath === undefined) {
    ofPath = { all: [], byArray: new Map() };
    fields.set(path, ofPath);
  }
  ofPath.all.push(field);
  for (const [array, index] of field.membership) {
    const inArray = ofPath.byArray.get(array) ?? { byIndex: new Map<number, Field[]>(), count: 0 };
    ofPath.byArray.set(array, inArray);
    const inElement = inArray.byIndex.get(index) ?? [];
    inArray.byIndex.set(index, inElement);
    inElement.push(field);
    inArray.count++;
  }
}

/** The dotted paths of a pattern, and the paths of the objects that their fields are in. */
export type Paths = { fields: ReadonlySet<string>; objects: ReadonlySet<string> };

/** A name can have dots itself, so a path is in an object at each of its dots. */
export function pathsOf(fields: Iterable<string>): Paths {
  const objects = new Set<string>([""]);
  const all = new Set(fields);
  for (const path of all)
    for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) objects.add(path.slice(0, dot));
  return { fields: all, objects };
}

/**
 * The fields of an event at these paths; what is elsewhere isn't read. Arrays count as their
 * elements; a field within an object (or array) that is an element of an array stores which one. An
 * object or an empty array has no value of its own.
 */
export function fieldsOf(event: object, paths: Paths): EventFields {
  const fields = new Map<string, FieldsOfPath>();
  let arrays = 0;
  const visit = (path: string, value: unknown, membership: Membership): void => {
    if (!paths.objects.has(path) && !paths.fields.has(path)) return;
    if (Array.isArray(value)) {
      const array = arrays++;
      value.forEach((element, index) => {
        const structured = typeof element === "object" && element !== null;
        visit(path, element, structured ? new Map(membership).set(array, index) : membership);
      });
    } else if (typeof value === "object" && value !== null) {
      for (const [name, child] of Object.entries(value)) {
        visit(path === "" ? name : `${path}.${name}`, child, membership);
      }
    } else if (paths.fields.has(path)) gather(fields, path, { value: value as Scalar, membership });
  };
  visit("", event, new Map());
  return fields;
}
