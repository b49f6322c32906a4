/** Exit codes of `mortar pool`: a defect was found, the words were not understood. */
export const exitCode = { ok: 0, defects: 1, usage: 2 } as const;
