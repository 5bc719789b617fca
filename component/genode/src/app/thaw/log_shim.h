/*
 * \brief  LOG session of the target: passes lines on
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * This file is distributed under the terms of the GNU Affero General Public License version 3, as it
 * is linked with Genode's libraries.
 */

#ifndef _LOG_SHIM_H_
#define _LOG_SHIM_H_

#include <base/rpc_server.h>
#include <base/session_label.h>
#include <log_session/connection.h>

namespace Thaw { struct Log_shim; }


struct Thaw::Log_shim : Genode::Rpc_object<Genode::Log_session, Log_shim>
{
	Genode::Log_connection _log;

	Log_shim(Genode::Env &env, Genode::Session_label const &label) : _log(env, label) { }

	void write(String const &string) override { _log.write(string); }
};

#endif /* _LOG_SHIM_H_ */
