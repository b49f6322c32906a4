/** Version of this package; a test keeps it equal to package.json. */
export const mortarVersion = "0.1.0";
/** The release of GlusterFS whose commands, texts and protocols Mortar speaks. */
export const glusterVersion = "10.3";
