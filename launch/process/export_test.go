package process

// WaitsMax is for tests of the bound.
const WaitsMax = waitsMax
