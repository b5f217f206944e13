// The console's screens, one line each, in the order of the menu.
//
// path: the first part of the address; `params` names the rest, which the screen gets as attributes, with the query
// besides. `label`: its name in the menu; without one it is not there. `panel`: it opens beside the screen that is
// shown. `needs(me)`: whether the caller may use it. `load` brings the module that defines `element`.
// Styles stand in styles/<path>.css.

export const SCREENS = [
  { path: "chat", element: "cs-chat", params: ["thread"], label: "Chat", load: () => import("./screens/chat.js") },
  { path: "approvals", element: "cs-approvals", params: ["approval"], label: "Approvals", load: () => import("./screens/approvals.js") },
  { path: "record", element: "cs-record", params: ["object", "record"], panel: true, load: () => import("./screens/record.js") },
];
