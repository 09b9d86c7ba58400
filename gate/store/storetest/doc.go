// Package storetest makes events of any size out of nothing, the same ones
// every time, so that tests, benchmarks and `venuegate bench` measure the same
// thing. It holds no real person, document or key.
package storetest
