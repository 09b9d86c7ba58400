// Package camera reads QR codes in pictures.
//
// It is the only package that imports the QR decoder. It works on one still
// image at a time, bounded in size before it is decoded, and says what the code
// holds, never whether a ticket is good. cmd/venuegate calls it for image files.
package camera
