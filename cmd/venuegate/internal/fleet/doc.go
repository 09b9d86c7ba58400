// Package fleet plays a day at a venue on one machine: a central that serves on
// loopback, boxes that are enrolled by the text of a QR code at their own
// scanners, visitors at their lanes, and everything that goes wrong on a match
// day. In the evening it compares what visitors were told, what the gates have on
// their disks and what central counted.
//
// Everything but the devices is what runs at a venue: gates and central talk by
// HTTP and by the gates' own network. The demo and the end-to-end test use it;
// nothing else does.
package fleet
