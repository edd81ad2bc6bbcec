import { EventEmitter } from "node:events";

/** An event emitter whose events are declared as tuples: `new Emitter<{ closed: [reason: string] }>()`. */
export class Emitter<Events extends Record<keyof Events, unknown[]>> extends EventEmitter<Events> {}
