// Who is signed in. The only place that knows how a request proves it: lib/api.js asks here for its headers.

const KEY = "countersign.session";

/** Tells of `signed-in` and `signed-out`, in this tab and in the others. */
export const session = Object.assign(new EventTarget(), { me: null });

window.addEventListener("storage", (event) => {
  if (event.key === KEY) tell(event.newValue ? "signed-in" : "signed-out");
});

/** Headers that say who calls. */
export function credentials() {
  const token = window.localStorage.getItem(KEY);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

export function isSignedIn() {
  return window.localStorage.getItem(KEY) !== null;
}

export function keepSession(token) {
  window.localStorage.setItem(KEY, token);
}

/** Forgets who was signed in, here and in other tabs. */
export function endSession() {
  window.localStorage.removeItem(KEY);
  session.me = null;
  tell("signed-out");
}

function tell(what) {
  session.dispatchEvent(new Event(what));
}
