// What `tsc --checkJs` is told of the pages that the modules in static/js run in.

/** htmx of the page, loaded by its own script. */
declare const htmx: {
  process(element: Element): void;
  ajax(verb: string, address: string, context: object): Promise<void>;
  trigger(element: Element, event: string, detail?: object): void;
};

interface Window {
  htmx: typeof htmx;
  SpeechRecognition?: any;
  webkitSpeechRecognition?: any;
}

// The event that a listener gets is named by a string, and what was found is said by a selector: which kind of element
// or event that is, only the page knows.
interface ParentNode {
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
}

interface Document {
  getElementById(id: string): any;
  readonly activeElement: any;
}

/** Listeners here are added to elements and to the document, whose events come from elements. */
interface EventTarget {
  readonly id: string;
  closest(selectors: string): any;
  matches(selectors: string): boolean;
}

interface Event {
  readonly detail: any;
}
