// Package config is the gate's one TOML file: loading it, its defaults, and
// every error in it at once, each with the path of its field.
//
// It opens no device and knows no driver: what a device's options mean is for
// gate/appliance, which reports in the same terms (Errors).
package config
