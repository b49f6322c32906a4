/** Volume options that GlusterFS does not have; no volfile shows them. See volume-option-table.ts. */
export const mortarRows = `
mortar.brick-engine | mgmt/mortar | builtin | one-of builtin,glusterfsd
`;
