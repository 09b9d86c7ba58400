// Package sales reads lists of sales, as other platforms export them, into
// orders. A list is right as a whole or not at all: everything that is wrong is
// named by line and column, and none of it is quoted, because it may be
// somebody's number or name.
//
// The server hands it what the organiser uploads.
package sales
