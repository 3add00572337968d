// One place in the page where a view stands: a placeholder of static HTML, covered by a shadow root while the view is alive.

import { make } from "./dom.js";
import { GroupView } from "./groupview.js";
import { JobView } from "./jobview.js";

export const PLACE = "brignb-view";
const KINDS = { job: JobView, group: GroupView };

/** The id of a placeholder's view. */
export function idOf(place) {
  return [...place.classList].find((name) => name.startsWith("brignb-") && name !== PLACE)?.slice("brignb-".length);
}

export class Mount {
  #sheet;

  /** `line` is what views talk to; `seen(mount)` hears when it comes into sight or goes. */
  constructor(view, line, sheet, seen) {
    this.id = view.view;
    this.kind = view.kind;
    this.#sheet = sheet;
    this.line = line;
    this.root = make("div", { className: "root" });
    this.sight = new IntersectionObserver(([entry]) => {
      this.inSight = entry.isIntersecting;
      seen(this);
    }, { rootMargin: "300px" });
    this.ui = new KINDS[view.kind](view, line);
    this.root.append(this.ui.element);
  }

  get there() {
    return Boolean(this.place?.isConnected);
  }

  /** Stand here; moved from another place it looks as it did there. */
  enter(place) {
    const focused = this.root.getRootNode().activeElement;
    const shadow = place.shadowRoot ?? place.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [this.#sheet];
    shadow.replaceChildren(this.root);
    this.place = place;
    this.sight.disconnect();
    this.sight.observe(place);
    this.dress();
    this.back();
    if (focused && this.root.contains(focused)) focused.focus({ preventScroll: true });
  }

  /** The page has taken it out and put it back. */
  back() {
    this.wasThere = true;
    this.ui.list?.restore();
  }

  /** Light or dark, as the page is. */
  dress() {
    const theme = document.body.dataset.jpThemeLight;
    const dark = theme ? theme === "false" : matchMedia("(prefers-color-scheme: dark)").matches;
    this.root.classList.toggle("dark", dark);
  }

  update(view) {
    this.ui.update(view);
  }

  /** Let the static HTML be seen again. */
  leave() {
    this.sight.disconnect();
    this.ui.close();
    this.place?.shadowRoot?.replaceChildren(make("slot"));
  }
}
