// The console's screens, one line each, in the order of the menu.
//
// path: the first part of the address; `params` names the rest, which the screen gets as attributes, with the query
// besides. `label`: its name in the menu; without one it is not there. `panel`: it opens beside the screen that is
// shown. `needs(me)`: whether the caller may use it. `offered(me)`: whether the menu shows it; who opens its address
// nevertheless is told by the service what is missing. `load` brings the module that defines `element`.
// Styles stand in styles/<path>.css.

export const SCREENS = [
  { path: "chat", element: "cs-chat", params: ["thread"], label: "Chat", load: () => import("./screens/chat.js") },
  { path: "approvals", element: "cs-approvals", params: ["approval"], label: "Approvals", load: () => import("./screens/approvals.js") },
  { path: "record", element: "cs-record", params: ["object", "record"], panel: true, load: () => import("./screens/record.js") },
  { path: "workflows", element: "cs-workflows", params: ["thread"], label: "Workflows", offered: isStaff, load: () => import("./screens/workflows.js") },
  { path: "ledger", element: "cs-ledger", params: ["by", "subject"], label: "Ledger", offered: isStaff, load: () => import("./screens/ledger.js") },
  { path: "audit", element: "cs-audit", label: "Audit", offered: (me) => may(me, "read_audit", "audit:read"), load: () => import("./screens/audit.js") },
  { path: "eval", element: "cs-eval", params: ["report"], label: "Eval", offered: (me) => may(me, "manage_policy", "policy:manage"), load: () => import("./screens/eval.js") },
  { path: "admin", element: "cs-admin", params: ["part", "subject"], label: "Admin", offered: isAdmin, load: () => import("./screens/admin.js") },
];

function may(me, permission, scope) {
  return me.permissions.includes(permission) && me.scopes.includes(scope);
}

function isStaff(me) {
  return me.kind === "user";
}

function isAdmin(me) {
  return may(me, "manage_policy", "policy:manage") || may(me, "manage_users", "users:manage") || may(me, "manage_policy", "gateway:manage") || may(me, "erase_data", "data:erase");
}
