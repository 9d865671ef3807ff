// The few things that the page does with elements. Text from servers only ever becomes textContent.

export const $ = (id) => document.getElementById(id);

/** Writes only what changed, so that selections and screen readers are left alone. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

export function make(name, className, value = '') {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.textContent = value;
  return element;
}

/** Makes the children of `parent` stand for `items`, keeping the element (its focus, its open state) of each key. */
export function each(parent, items, keyOf, create, update) {
  const present = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let element = present.get(key);
    present.delete(key);
    if (!element) {
      element = create(item);
      element.dataset.key = key;
    }
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
    update(element, item);
  }
  for (const gone of present.values()) gone.remove();
}

/** A cell of this class within `element`, made on first use. */
export function part(element, className, name = 'span') {
  return element.getElementsByClassName(className)[0] ?? element.appendChild(make(name, className));
}
