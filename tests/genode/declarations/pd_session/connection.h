/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_PD_SESSION_CONNECTION_H
#define THAW_DECLARED_PD_SESSION_CONNECTION_H

#include <base/connection.h>
#include <pd_session/client.h>

#endif
