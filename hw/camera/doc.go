// Package camera reads QR codes with a camera and in photos.
//
// A Reader keeps a camera open through V4L2, takes the brightness of its frames
// and hands it to hw/camera/qr, at a pace that leaves most of the processor to
// others. A code that stays in view is delivered once. Decode and LoadFile are
// for still images.
//
// This folder is the only place that imports the QR decoder and the camera
// library. It says what a code holds, never whether a ticket is good; keeps no
// picture; and puts no text of a code in an error, a counter or a log.
// gate/appliance makes readers and gate/lane runs them; cmd/venuegate reads
// image files.
package camera
